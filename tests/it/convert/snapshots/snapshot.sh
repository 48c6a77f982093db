#!/bin/sh
# Deployment shop/db becomes a StatefulSet whose first pod has the volume of a snapshot.
# Written by `stateward convert`. Run it without arguments; `back` undoes what was done.

namespace=shop
memory=stateward-convert-deployment-db
steps=5

tell_1() {
say 'Step 1: Point CronJob backup, HorizontalPodAutoscaler db at what will be.'
say 'From now on nobody scales the Deployment, and no further job starts on its claim; those of the StatefulSet wait for it.'
say 'Down: nothing.'
}

learn_1() {
learn replicas kubectl -n shop get deployment db -o jsonpath='{.spec.replicas}'
}

before_1() {
must 'there is no statefulset db' "" kubectl -n shop get statefulset db --ignore-not-found -o name
must 'there is no service db-headless' "" kubectl -n shop get service db-headless --ignore-not-found -o name
must 'claim db-data is bound' "Bound" kubectl -n shop get persistentvolumeclaim db-data -o jsonpath='{.status.phase}'
must 'there is no persistentvolumeclaim data-db-0' "" kubectl -n shop get persistentvolumeclaim data-db-0 --ignore-not-found -o name
}

run_1() {
kubectl -n "$namespace" apply -f - <<'END_OF_MANIFESTS'
apiVersion: batch/v1
kind: CronJob
metadata:
  name: backup
  namespace: shop
spec:
  concurrencyPolicy: Forbid
  jobTemplate:
    spec:
      template:
        metadata:
          labels:
            app: backup
        spec:
          affinity:
            podAffinity:
              requiredDuringSchedulingIgnoredDuringExecution:
              - labelSelector:
                  matchLabels:
                    app: db
                topologyKey: kubernetes.io/hostname
          containers:
          - image: backup
            name: backup
            volumeMounts:
            - mountPath: /data
              name: data
              readOnly: true
          restartPolicy: Never
          volumes:
          - name: data
            persistentVolumeClaim:
              claimName: data-db-0
              readOnly: true
  schedule: 0 3 * * *
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: db
  namespace: shop
spec:
  maxReplicas: 1
  scaleTargetRef:
    apiVersion: apps/v1
    kind: StatefulSet
    name: db
END_OF_MANIFESTS
}

after_1() {
:
}

tell_back_1() {
say 'Back from step 1 (Point CronJob backup, HorizontalPodAutoscaler db at what will be): They are what they were.'
}

back_1() {
kubectl -n "$namespace" apply -f - <<'END_OF_MANIFESTS'
apiVersion: batch/v1
kind: CronJob
metadata:
  name: backup
  namespace: shop
spec:
  concurrencyPolicy: Forbid
  jobTemplate:
    spec:
      template:
        metadata:
          labels:
            app: backup
        spec:
          affinity:
            podAffinity:
              requiredDuringSchedulingIgnoredDuringExecution:
              - labelSelector:
                  matchLabels:
                    app: db
                topologyKey: kubernetes.io/hostname
          containers:
          - image: backup
            name: backup
            volumeMounts:
            - mountPath: /data
              name: data
              readOnly: true
          restartPolicy: Never
          volumes:
          - name: data
            persistentVolumeClaim:
              claimName: db-data
              readOnly: true
  schedule: 0 3 * * *
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: db
  namespace: shop
spec:
  maxReplicas: 1
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: db
END_OF_MANIFESTS
}

tell_2() {
say 'Step 2: Stop the Deployment.'
say 'Its pods end in order, and the volumes are detached. The Deployment stays, with no pods.'
say 'Down: db, from here until the StatefulSet runs: some minutes.'
}

learn_2() {
:
}

before_2() {
:
}

run_2() {
kubectl -n shop scale deployment db --replicas=0
}

after_2() {
holds 'no pod uses claim db-data' "" kubectl -n shop get pods --field-selector=status.phase!=Succeeded,status.phase!=Failed -o go-template='{{range .items}}{{$pod := .metadata.name}}{{range .spec.volumes}}{{with .persistentVolumeClaim}}{{if eq .claimName "db-data"}}{{$pod}} {{end}}{{end}}{{end}}{{end}}'
}

tell_back_2() {
say 'Back from step 2 (Stop the Deployment): The Deployment gets its pods again.'
}

back_2() {
kubectl -n shop scale deployment db --replicas="$replicas"
holds 'its pods are ready' "$replicas" kubectl -n shop get deployment db -o go-template='{{or .status.readyReplicas 0}}'
}

tell_3() {
say 'Step 3: Make the first pod'\''s volumes out of snapshots.'
say 'The driver takes a snapshot of each volume, and fills the first pod'\''s claims from it.'
say 'Down: still, as before.'
}

learn_3() {
:
}

before_3() {
must 'no pod uses claim db-data' "" kubectl -n shop get pods --field-selector=status.phase!=Succeeded,status.phase!=Failed -o go-template='{{range .items}}{{$pod := .metadata.name}}{{range .spec.volumes}}{{with .persistentVolumeClaim}}{{if eq .claimName "db-data"}}{{$pod}} {{end}}{{end}}{{end}}{{end}}'
}

run_3() {
kubectl -n "$namespace" apply -f - <<'END_OF_MANIFESTS'
apiVersion: snapshot.storage.k8s.io/v1
kind: VolumeSnapshot
metadata:
  name: data-db-0
spec:
  source:
    persistentVolumeClaimName: db-data
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  labels:
    app: db
  name: data-db-0
spec:
  accessModes:
  - ReadWriteOnce
  dataSource:
    apiGroup: snapshot.storage.k8s.io
    kind: VolumeSnapshot
    name: data-db-0
  resources:
    requests:
      storage: 10Gi
  storageClassName: fast
END_OF_MANIFESTS
}

after_3() {
holds 'the snapshot of claim db-data can be used' "true" kubectl -n shop get volumesnapshot data-db-0 -o jsonpath='{.status.readyToUse}'
}

tell_back_3() {
say 'Back from step 3 (Make the first pod'\''s volumes out of snapshots): The new volumes go, and the snapshots; the volumes of the Deployment are untouched.'
}

back_3() {
kubectl -n shop delete persistentvolumeclaim data-db-0 --ignore-not-found
kubectl -n shop delete volumesnapshot data-db-0 --ignore-not-found
}

tell_4() {
say 'Step 4: Start the StatefulSet.'
say 'It finds the first pod'\''s claims by their names and makes no others for it.'
say 'Down: db, until its first pod is ready.'
}

learn_4() {
:
}

before_4() {
:
}

run_4() {
kubectl -n "$namespace" apply -f - <<'END_OF_MANIFESTS'
apiVersion: v1
kind: Service
metadata:
  labels:
    app: db
  name: db-headless
  namespace: shop
spec:
  clusterIP: None
  ports:
  - name: postgres
    port: 5432
    targetPort: postgres
  selector:
    app: db
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  labels:
    app: db
  name: db
  namespace: shop
spec:
  replicas: 1
  selector:
    matchLabels:
      app: db
  serviceName: db-headless
  template:
    metadata:
      labels:
        app: db
    spec:
      containers:
      - image: postgres:17
        name: postgres
        ports:
        - containerPort: 5432
          name: postgres
        readinessProbe:
          exec:
            command:
            - pg_isready
        volumeMounts:
        - mountPath: /var/lib/postgresql/data
          name: data
        - mountPath: /etc/postgres
          name: config
      volumes:
      - configMap:
          name: db
        name: config
  volumeClaimTemplates:
  - metadata:
      name: data
    spec:
      accessModes:
      - ReadWriteOnce
      resources:
        requests:
          storage: 10Gi
      storageClassName: fast
END_OF_MANIFESTS
}

after_4() {
holds 'db-0 is ready' "True" kubectl -n shop get pod db-0 -o jsonpath='{.status.conditions[?(@.type=="Ready")].status}'
holds 'claim data-db-0 is bound' "Bound" kubectl -n shop get persistentvolumeclaim data-db-0 -o jsonpath='{.status.phase}'
}

tell_back_4() {
say 'Back from step 4 (Start the StatefulSet): The StatefulSet ends. What was written meanwhile is on its own volumes alone, not on those of the Deployment.'
}

back_4() {
kubectl -n shop delete statefulset db --ignore-not-found --cascade=foreground
kubectl -n shop delete service db-headless --ignore-not-found
holds 'no pod uses claim data-db-0' "" kubectl -n shop get pods --field-selector=status.phase!=Succeeded,status.phase!=Failed -o go-template='{{range .items}}{{$pod := .metadata.name}}{{range .spec.volumes}}{{with .persistentVolumeClaim}}{{if eq .claimName "data-db-0"}}{{$pod}} {{end}}{{end}}{{end}}{{end}}'
}

tell_5() {
say 'Step 5: Let the Deployment go.'
say 'The StatefulSet has its pods, its claims and its name. Whoever goes back from here has it made again.'
say 'Down: nothing.'
}

learn_5() {
:
}

before_5() {
:
}

run_5() {
kubectl -n shop delete deployment db --ignore-not-found
}

after_5() {
holds 'there is no deployment db' "" kubectl -n shop get deployment db --ignore-not-found -o name
}

tell_back_5() {
say 'Back from step 5 (Let the Deployment go): The Deployment is there again, without pods.'
}

back_5() {
kubectl -n "$namespace" apply -f - <<'END_OF_MANIFESTS'
apiVersion: apps/v1
kind: Deployment
metadata:
  labels:
    app: db
  name: db
  namespace: shop
spec:
  replicas: 0
  selector:
    matchLabels:
      app: db
  strategy:
    type: Recreate
  template:
    metadata:
      labels:
        app: db
    spec:
      containers:
      - image: postgres:17
        name: postgres
        ports:
        - containerPort: 5432
          name: postgres
        readinessProbe:
          exec:
            command:
            - pg_isready
        volumeMounts:
        - mountPath: /var/lib/postgresql/data
          name: data
        - mountPath: /etc/postgres
          name: config
      volumes:
      - name: data
        persistentVolumeClaim:
          claimName: db-data
      - configMap:
          name: db
        name: config
END_OF_MANIFESTS
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
