{{/* The chart's name. */}}
{{- define "volsync-exporter.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* The name of every object: the release's, with the chart's where the release does not say it. */}}
{{- define "volsync-exporter.fullname" -}}
{{- $name := include "volsync-exporter.name" . }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* The namespace of every object that does not belong elsewhere. */}}
{{- define "volsync-exporter.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride }}
{{- end }}

{{- define "volsync-exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "volsync-exporter.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* The labels of an object: the chart's, everybody's, and those given as the second of the list. */}}
{{- define "volsync-exporter.labels" -}}
{{- $ := index . 0 }}
{{- $labels := dict
  "helm.sh/chart" (printf "%s-%s" $.Chart.Name $.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
  "app.kubernetes.io/version" $.Chart.AppVersion
  "app.kubernetes.io/managed-by" $.Release.Service
}}
{{- toYaml (merge (include "volsync-exporter.selectorLabels" $ | fromYaml) (deepCopy (index . 1)) (deepCopy $.Values.commonLabels) $labels) }}
{{- end }}

{{- define "volsync-exporter.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "volsync-exporter.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* The image; a digest overrides a tag, and a registry for all charts this one's. */}}
{{- define "volsync-exporter.image" -}}
{{- $registry := default .Values.image.registry .Values.global.imageRegistry | trimSuffix "/" }}
{{- $name := printf "%s/%s" $registry .Values.image.repository | trimPrefix "/" }}
{{- if .Values.image.digest }}
{{- printf "%s@%s" $name .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" $name (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{/* Where the mounted authorities are; empty where none are. */}}
{{- define "volsync-exporter.caFile" -}}
{{- if or .Values.s3.ca.configMap .Values.s3.ca.secret }}/etc/volsync-exporter/ca/{{ .Values.s3.ca.key }}{{ end }}
{{- end }}

{{/* The Secrets with which to pull it; those for all charts are names or objects. */}}
{{- define "volsync-exporter.pullSecrets" -}}
{{- $secrets := list }}
{{- range concat (default list .Values.global.imagePullSecrets) .Values.imagePullSecrets }}
{{- if kindIs "string" . }}{{ $secrets = append $secrets (dict "name" .) }}{{ else }}{{ $secrets = append $secrets . }}{{ end }}
{{- end }}
{{- with $secrets | uniq }}{{ toYaml . }}{{ end }}
{{- end }}

{{/* The port at which a client of the Service finds the exporter: a headless one leads to the pods themselves. */}}
{{- define "volsync-exporter.port" -}}
{{- ternary 9978 (int .Values.service.port) (eq .Values.service.clusterIP "None") }}
{{- end }}

{{/* Not empty where the exporter reads a bucket. */}}
{{- define "volsync-exporter.readsBuckets" -}}
{{- $named := or .Values.settings.buckets .Values.s3.existingSecret }}
{{- range .Values.extraEnv }}
{{- if has .name (list "RESTIC_REPOSITORY_BASE" "RESTIC_REPOSITORY") }}{{ $named = true }}{{ end }}
{{- end }}
{{- if $named }}true{{ end }}
{{- end }}

{{/* The second of the list, with the runbooks' address as the settings have it. */}}
{{- define "volsync-exporter.withRunbooks" -}}
{{- $root := index . 0 }}
{{- $text := index . 1 }}
{{- with (default dict $root.Values.settings.web).runbook_base }}
{{- $default := ($root.Files.Get "files/defaults.yaml" | fromYaml).runbook_base }}
{{- $text = $text | replace $default (trimSuffix "/" .) }}
{{- end }}
{{- $text }}
{{- end }}

{{/* config.yaml: the settings as given, with what the chart itself decides. */}}
{{- define "volsync-exporter.config" -}}
{{- $settings := deepCopy .Values.settings }}
{{- $web := merge (dict "listen" ":9978") (default dict $settings.web) }}
{{- if .Values.web.configSecret }}
{{- $_ := set $web "config_file" (printf "/etc/volsync-exporter/web/%s" .Values.web.configKey) }}
{{- end }}
{{- $_ := set $settings "web" $web }}
{{- $ca := include "volsync-exporter.caFile" . }}
{{- range $settings.buckets }}
{{- if and $ca (not .ca_file) }}{{ $_ := set . "ca_file" $ca }}{{ end }}
{{- end }}
{{- toYaml $settings }}
{{- end }}
