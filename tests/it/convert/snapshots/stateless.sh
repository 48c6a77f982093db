#!/bin/sh
# StatefulSet default/db becomes a Deployment, for its pods keep nothing.
# Written by `stateward convert`. Run it without arguments; `back` undoes what was done.

namespace=default
memory=stateward-convert-statefulset-db
steps=2

tell_1() {
say 'Step 1: Start the Deployment beside the StatefulSet.'
say 'Its pods have the same labels, so that Services send them requests as soon as they are ready.'
say 'Down: nothing.'
}

learn_1() {
learn replicas kubectl -n default get statefulset db -o jsonpath='{.spec.replicas}'
}

before_1() {
must 'there is no deployment db' "" kubectl -n default get deployment db --ignore-not-found -o name
}

run_1() {
kubectl -n "$namespace" apply -f - <<'END_OF_MANIFESTS'
apiVersion: apps/v1
kind: Deployment
metadata:
  name: db
spec:
  replicas: 2
  selector:
    matchLabels:
      app: db
  strategy:
    rollingUpdate:
      maxSurge: 0
      maxUnavailable: 1
    type: RollingUpdate
  template:
    metadata:
      labels:
        app: db
    spec:
      containers:
      - image: db
        name: db
END_OF_MANIFESTS
kubectl -n default scale deployment db --replicas="$replicas"
}

after_1() {
holds 'all pods of deployment db are ready' "true" kubectl -n default get deployment db -o go-template='{{and (eq (print .metadata.generation) (print .status.observedGeneration)) (eq (print (or .status.readyReplicas 0)) (print .spec.replicas))}}'
}

tell_back_1() {
say 'Back from step 1 (Start the Deployment beside the StatefulSet): The Deployment goes, with its pods.'
}

back_1() {
kubectl -n default delete deployment db --ignore-not-found --cascade=foreground
holds 'there is no deployment db' "" kubectl -n default get deployment db --ignore-not-found -o name
}

tell_2() {
say 'Step 2: Let the StatefulSet go.'
say 'Its pods end, once those of the Deployment do their work.'
say 'Down: nothing.'
}

learn_2() {
:
}

before_2() {
must 'all pods of deployment db are ready' "true" kubectl -n default get deployment db -o go-template='{{and (eq (print .metadata.generation) (print .status.observedGeneration)) (eq (print (or .status.readyReplicas 0)) (print .spec.replicas))}}'
}

run_2() {
kubectl -n default delete statefulset db --ignore-not-found --cascade=foreground
}

after_2() {
holds 'there is no statefulset db' "" kubectl -n default get statefulset db --ignore-not-found -o name
}

tell_back_2() {
say 'Back from step 2 (Let the StatefulSet go): The StatefulSet is made again, with its pods.'
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
END_OF_MANIFESTS
kubectl -n default scale statefulset db --replicas="$replicas"
holds 'its pods are ready' "$replicas" kubectl -n default get statefulset db -o go-template='{{or .status.readyReplicas 0}}'
holds 'all pods of statefulset db are ready' "true" kubectl -n default get statefulset db -o go-template='{{and (eq (print .metadata.generation) (print .status.observedGeneration)) (eq (print (or .status.readyReplicas 0)) (print .spec.replicas))}}'
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
