#!/bin/sh
# StatefulSet default/db is made anew with another serviceName and larger claims data; its pods and volumes stay.
# Written by `stateward convert`. Run it without arguments; `back` undoes what was done.

namespace=default
memory=stateward-convert-statefulset-db
steps=4

tell_1() {
say 'Step 1: Let the claims grow.'
say 'A claim template reaches no claim that is there already, so each is asked for more by itself.'
say 'Down: nothing.'
}

learn_1() {
learn size1 kubectl -n default get persistentvolumeclaim data-db-0 -o jsonpath='{.status.capacity.storage}'
learn size2 kubectl -n default get persistentvolumeclaim data-db-1 -o jsonpath='{.status.capacity.storage}'
learn replicas kubectl -n default get statefulset db -o jsonpath='{.spec.replicas}'
}

before_1() {
must 'the class of claim data-db-0 lets it grow' "true" kubectl get storageclass "$(kubectl -n default get persistentvolumeclaim data-db-0 -o jsonpath='{.spec.storageClassName}')" -o jsonpath='{.allowVolumeExpansion}'
must 'the class of claim data-db-1 lets it grow' "true" kubectl get storageclass "$(kubectl -n default get persistentvolumeclaim data-db-1 -o jsonpath='{.spec.storageClassName}')" -o jsonpath='{.allowVolumeExpansion}'
}

run_1() {
kubectl -n default patch persistentvolumeclaim data-db-0 -p '{"spec":{"resources":{"requests":{"storage":"2Gi"}}}}'
kubectl -n default patch persistentvolumeclaim data-db-1 -p '{"spec":{"resources":{"requests":{"storage":"2Gi"}}}}'
}

after_1() {
holds 'the volume of claim data-db-0 has grown' "true" kubectl -n default get persistentvolumeclaim data-db-0 -o go-template='{{if ne .status.capacity.storage "'"$size1"'"}}true{{else if eq .status.capacity.storage "2Gi"}}true{{else}}{{range .status.conditions}}{{if eq .type "FileSystemResizePending"}}true{{end}}{{end}}{{end}}'
holds 'the volume of claim data-db-1 has grown' "true" kubectl -n default get persistentvolumeclaim data-db-1 -o go-template='{{if ne .status.capacity.storage "'"$size2"'"}}true{{else if eq .status.capacity.storage "2Gi"}}true{{else}}{{range .status.conditions}}{{if eq .type "FileSystemResizePending"}}true{{end}}{{end}}{{end}}'
}

tell_back_1() {
say 'Back from step 1 (Let the claims grow): Nothing is done: a volume does not shrink, and a larger one does no harm.'
}

back_1() {
:
}

tell_2() {
say 'Step 2: Delete the StatefulSet, and leave its pods.'
say 'Its pods run on by themselves, with their volumes (--cascade=orphan).'
say 'Down: nothing; but a pod that ends is not replaced before the StatefulSet is back.'
}

learn_2() {
:
}

before_2() {
:
}

run_2() {
kubectl -n default delete statefulset db --ignore-not-found --cascade=orphan
}

after_2() {
holds 'there is no statefulset db' "" kubectl -n default get statefulset db --ignore-not-found -o name
}

tell_back_2() {
say 'Back from step 2 (Delete the StatefulSet, and leave its pods): The StatefulSet is made again as it was, and takes its pods back.'
}

back_2() {
kubectl -n "$namespace" apply -f - <<'END_OF_MANIFESTS'
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: db
spec:
  replicas: 2
  selector:
    matchLabels:
      app: db
  serviceName: db
  template:
    metadata:
      labels:
        app: db
    spec:
      containers:
      - image: db
        name: db
        volumeMounts:
        - mountPath: /data
          name: data
  volumeClaimTemplates:
  - metadata:
      name: data
    spec:
      accessModes:
      - ReadWriteOnce
      resources:
        requests:
          storage: 1Gi
END_OF_MANIFESTS
holds 'its pods are ready' "$replicas" kubectl -n default get statefulset db -o go-template='{{or .status.readyReplicas 0}}'
holds 'all pods of statefulset db are ready' "true" kubectl -n default get statefulset db -o go-template='{{and (eq (print .metadata.generation) (print .status.observedGeneration)) (eq (print (or .status.readyReplicas 0)) (print .spec.replicas))}}'
}

tell_3() {
say 'Step 3: Make the StatefulSet as it shall be.'
say 'It finds its pods and claims by labels and names, and takes them over as they run.'
say 'Down: nothing.'
}

learn_3() {
:
}

before_3() {
:
}

run_3() {
kubectl -n "$namespace" apply -f - <<'END_OF_MANIFESTS'
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: db
spec:
  replicas: 2
  selector:
    matchLabels:
      app: db
  serviceName: db-peers
  template:
    metadata:
      labels:
        app: db
    spec:
      containers:
      - image: db
        name: db
        volumeMounts:
        - mountPath: /data
          name: data
  volumeClaimTemplates:
  - metadata:
      name: data
    spec:
      accessModes:
      - ReadWriteOnce
      resources:
        requests:
          storage: 2Gi
END_OF_MANIFESTS
}

after_3() {
holds 'all pods of statefulset db are ready' "true" kubectl -n default get statefulset db -o go-template='{{and (eq (print .metadata.generation) (print .status.observedGeneration)) (eq (print (or .status.readyReplicas 0)) (print .spec.replicas))}}'
}

tell_back_3() {
say 'Back from step 3 (Make the StatefulSet as it shall be): The StatefulSet goes, and leaves its pods.'
}

back_3() {
kubectl -n default delete statefulset db --ignore-not-found --cascade=orphan
}

tell_4() {
say 'Step 4: Start the pods again, one after the other.'
say 'A pod learns the name of its Service when it starts; until then it answers to the old one.'
say 'Down: one pod at a time, while it starts.'
}

learn_4() {
:
}

before_4() {
:
}

run_4() {
kubectl -n default rollout restart statefulset db
}

after_4() {
holds 'all pods of statefulset db were started again' "true" kubectl -n default get statefulset db -o go-template='{{and (eq (print .metadata.generation) (print .status.observedGeneration)) (eq .status.currentRevision .status.updateRevision)}}'
holds 'all pods of statefulset db are ready' "true" kubectl -n default get statefulset db -o go-template='{{and (eq (print .metadata.generation) (print .status.observedGeneration)) (eq (print (or .status.readyReplicas 0)) (print .spec.replicas))}}'
}

tell_back_4() {
say 'Back from step 4 (Start the pods again, one after the other): Nothing is done yet: the old StatefulSet starts them again, one after the other.'
}

back_4() {
:
}

set -eu

usage() {
  say "usage: sh $0 [forward|back]"
  say
  say "  forward  takes the steps one after the other, from where it stopped last; the default"
  say "  back     undoes what was done, step by step"
  say
  say "It asks before every step and checks what has come of it. Only the answer \"yes\" goes on."
  say "How far it is stands in the ConfigMap $memory of the namespace $namespace."
  say "Environment: KUBECTL, the kubectl to use, with flags; WAIT, how many seconds a check may take (600)."
}

kubectl() {
  # Unquoted, so that it may bring flags.
  command ${KUBECTL:-kubectl} "$@"
}

say() {
  printf '%s\n' "$*"
}

die() {
  say "FAILED: $*" >&2
  say "Nothing further was done. Mend it and run this again, or undo what was done: sh $0 back" >&2
  exit 1
}

ask() {
  printf '%s [yes/no] ' "$1"
  answer=
  read -r answer || :
  say
  if [ "$answer" != yes ]; then
    say "Stopped here. To go on: sh $0; to undo what was done: sh $0 back"
    exit 3
  fi
}

# recall KEY: what is remembered under a name; nothing where nothing is.
recall() {
  kubectl -n "$namespace" get configmap "$memory" --ignore-not-found -o "jsonpath={.data.$1}"
}

# remember KEY VALUE
remember() {
  kubectl -n "$namespace" patch configmap "$memory" --type=merge -p "{\"data\":{\"$1\":\"$2\"}}" >/dev/null
}

# learn NAME COMMAND...: sets a variable to what it was when it was first asked for.
learn() {
  name=$1
  shift
  value=$(recall "$name")
  if [ -z "$value" ]; then
    value=$("$@") || die "cannot find out $name"
    [ -n "$value" ] || die "cannot find out $name: $* says nothing"
    remember "$name" "$value"
  fi
  eval "$name=\$value"
}

# must WHAT EXPECTED COMMAND...: a command prints what it should, now.
must() {
  expect 0 "$@"
}

# holds WHAT EXPECTED COMMAND...: waits until a command prints what it should.
holds() {
  expect "${WAIT:-600}" "$@"
}

expect() {
  patience=$1
  what=$2
  expected=$3
  shift 3
  waited=0
  while
    found=$("$@" 2>&1) || found="nothing: $found"
    [ "$found" != "$expected" ]
  do
    [ "$waited" -lt "$patience" ] || die "$what: there should be \"$expected\", but there is \"$found\""
    waited=$((waited + 1))
    sleep 1
  done
  say "  checked: $what"
}

# learn_up_to STEP: what the steps up to this one have to know.
learn_up_to() {
  every=1
  while [ "$every" -le "$1" ]; do
    "learn_$every"
    every=$((every + 1))
  done
}

forward() {
  begun=$(recall begun)
  if [ -z "$begun" ]; then
    say "Cluster: $(kubectl config current-context 2>/dev/null || say 'of this pod')"
    say
  fi
  reached=$(recall reached)
  reached=${reached:-0}
  while [ "$reached" -lt "$steps" ]; do
    step=$((reached + 1))
    "tell_$step"
    ask "Take step $step of $steps?"
    if [ -z "$begun" ]; then
      kubectl -n "$namespace" create configmap "$memory" --from-literal=begun=0 >/dev/null
      begun=0
    fi
    learn_up_to "$step"
    "before_$step"
    remember begun "$step"
    "run_$step"
    "after_$step"
    remember reached "$step"
    reached=$step
    say
  done
  say "Done. As long as the ConfigMap $memory is there, it can be undone: sh $0 back"
  say "To make it final: kubectl -n $namespace delete configmap $memory"
}

back() {
  step=$(recall begun)
  if [ -z "$step" ]; then
    say "Nothing was begun, so there is nothing to undo."
    exit 0
  fi
  learn_up_to "$step"
  while [ "$step" -gt 0 ]; do
    "tell_back_$step"
    ask "Undo step $step of $steps?"
    # From here on it is not done any more.
    remember reached "$((step - 1))"
    "back_$step"
    remember begun "$((step - 1))"
    step=$((step - 1))
    say
  done
  kubectl -n "$namespace" delete configmap "$memory" >/dev/null
  say "Everything is as it was."
}

case "${1:-forward}" in
  forward) forward ;;
  back) back ;;
  *) usage; exit 2 ;;
esac
