{{/* Labels of an object; the component is given. */}}
{{- define "herald.labels" -}}
{{ include "herald.selector" . }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end }}

{{/* What selects its pods, never to change: Deployments refuse another selector. */}}
{{- define "herald.selector" -}}
app.kubernetes.io/name: herald
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "herald.image" -}}
image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- end }}

{{/* Of a pod that needs no privilege at all (Pod Security Standards: restricted). */}}
{{- define "herald.restrictedPod" -}}
runAsNonRoot: true
runAsUser: {{ .uid }}
runAsGroup: {{ .uid }}
fsGroup: {{ .uid }}
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "herald.restrictedContainer" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{/* A process that only a restart would help is restarted; one that cannot do its job now is not asked to. */}}
{{- define "herald.probes" -}}
livenessProbe:
  httpGet: { path: /healthz, port: health{{ with .host }}, host: {{ . }}{{ end }} }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: { path: /readyz, port: health{{ with .host }}, host: {{ . }}{{ end }} }
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 2
{{- end }}

{{/* Evenly over the nodes, as far as there is room. */}}
{{- define "herald.spread" -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "herald.selector" . | nindent 8 }}
{{- end }}

{{/* What every process is told. */}}
{{- define "herald.environment" -}}
{{- $external := .root.Values.redis.external -}}
- { name: HERALD_CLUSTER, value: {{ .root.Values.cluster | quote }} }
- { name: HERALD_LOG_LEVEL, value: {{ .root.Values.logLevel | quote }} }
{{- with .root.Values.tracing.endpoint }}
- { name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ . | quote }} }
{{- end }}
{{- with $external }}
{{- if .secret }}
- name: HERALD_REDIS_URL
  valueFrom:
    secretKeyRef: { name: {{ .secret | quote }}, key: {{ .urlKey | quote }} }
- { name: HERALD_REDIS_MODE, value: {{ .mode }} }
- { name: HERALD_REDIS_SENTINEL_NAME, value: {{ .sentinelName | quote }} }
{{- with .sentinelPasswordKey }}
- name: HERALD_REDIS_SENTINEL_PASSWORD
  valueFrom:
    secretKeyRef: { name: {{ $external.secret | quote }}, key: {{ . | quote }} }
{{- end }}
{{- with .caKey }}
- { name: HERALD_REDIS_CA_FILE, value: /run/secrets/redis/{{ . }} }
{{- end }}
{{- with .passwordKey }}
- { name: HERALD_REDIS_PASSWORD_FILE, value: /run/secrets/redis/{{ . }} }
{{- end }}
{{- else }}
- { name: HERALD_REDIS_URL, value: "redis://herald-{{ $.component }}@herald-redis.{{ $.root.Release.Namespace }}.svc:6379" }
{{- end }}
{{- if .users }}
- { name: HERALD_REDIS_USERNAME, value: herald-{{ $.component }} }
{{- end }}
{{- if include "herald.redisUsers" $.root }}
- { name: HERALD_REDIS_PASSWORD_FILE, value: /run/secrets/redis/password }
{{- end }}
{{- end }}
{{- end }}

{{/* Secrets reach processes as files: never arguments, and the environment only where there is no other way. */}}
{{- define "herald.redisMount" -}}
{{- if include "herald.redisVolume" . }}
- { name: redis, mountPath: /run/secrets/redis, readOnly: true }
{{- end }}
{{- end }}

{{/* Whether each process has a user of its own: in the Redis that comes with the chart, and where yours has them. */}}
{{- define "herald.redisUsers" -}}
{{- if or (not .Values.redis.external.secret) .Values.redis.external.users }}true{{ end }}
{{- end }}

{{/* A process with a user of its own gets the password of no other. */}}
{{- define "herald.redisVolume" -}}
{{- $external := .root.Values.redis.external }}
{{- $users := include "herald.redisUsers" .root }}
{{- $keys := ternary (compact (list $external.passwordKey $external.caKey)) list (ne $external.secret "") }}
{{- if or $users $keys }}
- name: redis
  secret:
    secretName: {{ $external.secret | default "herald-redis-users" | quote }}
    items:
    {{- if $users }}
      - { key: herald-{{ .component }}, path: password }
    {{- end }}
    {{- if and $users (eq .component "console") }}
      - { key: herald-console-admin, path: admin-password }
    {{- end }}
    {{- range $keys }}
      - { key: {{ . | quote }}, path: {{ . | quote }} }
    {{- end }}
{{- end }}
{{- end }}

{{/*
The objects of a file that kubectl users apply as it is, in the namespace of the release and with its labels. The file is
the only source: what a process may do is said there, and nowhere else.
*/}}
{{- define "herald.objectsOf" -}}
{{- $text := .root.Files.Get .file | replace "metallb-system" .root.Release.Namespace }}
{{- range regexSplit "(?m)^---\\s*$" $text -1 }}
{{- $object := fromYaml . }}
{{- if and $object.kind (or (ne $object.kind "Namespace") $.root.Values.namespace.create) }}
{{- $labels := fromYaml (include "herald.labels" (dict "root" $.root "component" $.component)) }}
{{- $_ := set $object.metadata "labels" (merge (dict) ($object.metadata.labels | default dict) $labels) }}
---
{{ toYaml $object }}
{{- end }}
{{- end }}
{{- end }}

{{/* With Helm, before all else; gone when done. */}}
{{- define "herald.hook" -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
helm.sh/hook-weight: {{ . | quote }}
{{- end }}

{{/* Rules of NetworkPolicies: whom pods may ask. */}}
{{- define "herald.dns" -}}
- ports:
    - { protocol: UDP, port: 53 }
    - { protocol: TCP, port: 53 }
{{- end }}

{{- define "herald.toRedis" -}}
{{- if .Values.redis.external.secret }}
- ports:
  {{- range .Values.networkPolicy.redisPorts }}
    - { protocol: TCP, port: {{ . }} }
  {{- end }}
{{- else }}
- to:
    - podSelector:
        matchLabels: {{- include "herald.selector" (dict "component" "redis") | nindent 10 }}
  ports:
    - { protocol: TCP, port: 6379 }
{{- end }}
{{- end }}

{{- define "herald.toCollector" -}}
{{- $url := urlParse .Values.tracing.endpoint }}
{{- $port := regexFind ":[0-9]+$" $url.host | trimPrefix ":" }}
- ports:
    - { protocol: TCP, port: {{ $port | default (ternary "443" "80" (eq $url.scheme "https")) }} }
{{- end }}

{{- define "herald.toApiServer" -}}
- ports:
  {{- range .Values.networkPolicy.apiServerPorts }}
    - { protocol: TCP, port: {{ . }} }
  {{- end }}
{{- end }}

{{/* Of a PodMonitor, a ServiceMonitor or a PrometheusRule; what its operator looks for is given. */}}
{{- define "herald.monitor" -}}
name: herald
namespace: {{ .about.root.Release.Namespace }}
{{- $labels := fromYaml (include "herald.labels" .about) }}
labels: {{- toYaml (merge (dict) .labels $labels) | nindent 2 }}
{{- end }}

{{/* Who has /metrics. */}}
{{- define "herald.scraped" -}}
matchLabels: { app.kubernetes.io/name: herald }
matchExpressions:
  - { key: app.kubernetes.io/component, operator: In, values: [watcher, allocator, announcer, console] }
{{- end }}
