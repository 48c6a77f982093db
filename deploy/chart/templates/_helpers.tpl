{{/* The name of everything. One release a cluster: configurations and roles are the cluster's. */}}
{{- define "stateward.name" -}}stateward{{- end }}

{{- define "stateward.selector" -}}
app.kubernetes.io/name: {{ include "stateward.name" . }}
{{- end }}

{{- define "stateward.labels" -}}
{{ include "stateward.selector" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "stateward.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end }}

{{/* The built-in policy that counts where no policy of the cluster says otherwise; empty for none. */}}
{{- define "stateward.policy" -}}
{{- $name := .Values.policy | default (get (dict "Audit" "audit" "Warn" "warn" "Enforce" "baseline") .Values.mode) }}
{{- if ne $name "none" }}{{ $name }}{{ end }}
{{- end }}

{{/* Whether the replicas sign their own certificates. */}}
{{- define "stateward.own" -}}
{{- if eq .Values.certificates.source "own" }}true{{ end -}}
{{- end }}

{{/* Whether the replicas write that the CA in the Secret stateward-tls is to be trusted. */}}
{{- define "stateward.caFromSecret" -}}
{{- with .Values.certificates }}{{ if and (eq .source "files") (not .caBundle) }}true{{ end }}{{ end -}}
{{- end }}

{{/* What may be done, from files/permissions.yaml: by whom signs its own certificates, by whom writes who signed those of
others, and by all else. */}}
{{- define "stateward.permissions" -}}
{{- $all := .Files.Get "files/permissions.yaml" | fromYaml }}
{{- $who := ternary "caFromSecret" "others" (eq (include "stateward.caFromSecret" .) "true") }}
{{- index $all (ternary "own" $who (eq .Values.certificates.source "own")) | toYaml }}
{{- end }}

{{/* What of files/kinds.yaml the values name: each is an entry of the webhook configurations, its rules and permissions. */}}
{{- define "stateward.knownKinds" -}}
{{- $all := .Files.Get "files/kinds.yaml" | fromYaml }}
{{- range .Values.workloadKinds.known }}
{{- if not (hasKey $all .) }}
{{- fail (printf "workloadKinds.known: stateward knows no %s, but %s" . (keys $all | sortAlpha | join ", ")) }}
{{- end }}
{{ toYaml (dict . (get $all .)) }}
{{- end }}
{{- end }}

{{/* The rules by which requests about declared kinds are sent. */}}
{{- define "stateward.declaredRules" -}}
{{- range $name, $kind := include "stateward.knownKinds" . | fromYaml }}
{{- with get $kind.entries "declared" }}
{{ toYaml . }}
{{- end }}
{{- end }}
{{- range .Values.workloadKinds.declared }}
{{- $resources := list (required "every declared kind in values has a spec.plural" .spec.plural) }}
{{- if .spec.scale }}
{{- $resources = append $resources (printf "%s/scale" .spec.plural) }}
{{- end }}
- apiGroups: [{{ required "every declared kind in values has a spec.group" .spec.group | quote }}]
  apiVersions: [{{ required "every declared kind in values has a spec.version" .spec.version | quote }}]
  operations: [CREATE, UPDATE]
  resources:
  {{- toYaml $resources | nindent 2 }}
  scope: Namespaced
{{- end }}
{{- end }}

{{/* The rules of an entry beyond those of built-in kinds: root, name of the entry. */}}
{{- define "stateward.furtherRules" -}}
{{- $root := index . 0 }}
{{- $entry := index . 1 }}
{{- if eq $entry "declared" }}
{{- include "stateward.declaredRules" $root }}
{{- else }}
{{- range $name, $kind := include "stateward.knownKinds" $root | fromYaml }}
{{- with get $kind.entries $entry }}
{{ toYaml . }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* How one of our containers runs, hooks included. */}}
{{- define "stateward.containerSecurityContext" -}}
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
readOnlyRootFilesystem: true
{{- end }}

{{- define "stateward.podSecurityContext" -}}
fsGroup: 65532
runAsGroup: 65532
runAsNonRoot: true
runAsUser: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/* A pod that runs one command of our image and ends: name, account, arguments. */}}
{{- define "stateward.hookPod" -}}
{{- $root := index . 0 -}}
restartPolicy: Never
serviceAccountName: {{ index . 1 }}
automountServiceAccountToken: true
securityContext:
  {{- include "stateward.podSecurityContext" $root | nindent 2 }}
{{- with $root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
containers:
- name: stateward
  image: {{ include "stateward.image" $root | quote }}
  {{- with $root.Values.image.pullPolicy }}
  imagePullPolicy: {{ . }}
  {{- end }}
  args: [{{ index . 2 }}]
  resources:
    limits: {memory: 64Mi}
    requests: {cpu: 10m, memory: 16Mi}
  securityContext:
    {{- include "stateward.containerSecurityContext" $root | nindent 4 }}
{{- end }}

{{/* The annotations of a hook: when, and in which order. */}}
{{- define "stateward.hook" -}}
helm.sh/hook: {{ index . 0 }}
helm.sh/hook-weight: {{ index . 1 | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}
