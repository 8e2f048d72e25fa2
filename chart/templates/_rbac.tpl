{{/*
What the exporter may read, from the table of kinds that it reads itself (files/permissions.yaml): a YAML map of
namespace ("*": cluster-wide) to "VERB GROUP" to the plurals that it is granted for.
*/}}
{{- define "volsync-exporter.grants" -}}
{{- $sources := .Values.settings.sources }}
{{- if eq .Values.settings.secrets "metadata" }}{{ $sources = append $sources "secrets" }}{{ end }}
{{- $grants := dict }}
{{- range $kind := .Files.Get "files/permissions.yaml" | fromYamlArray }}
{{- if has $kind.source $sources }}
{{- range $place, $verb := include "volsync-exporter.places" (list $ $kind) | fromYaml }}
{{- $what := printf "%s %s" $verb $kind.group }}
{{- $granted := get $grants $place | default dict }}
{{- $_ := set $granted $what (append (get $granted $what | default list) $kind.plural | uniq) }}
{{- $_ := set $grants $place $granted }}
{{- end }}
{{- end }}
{{- end }}
{{- /* A Role need not repeat what the ClusterRole grants. */}}
{{- $everywhere := get $grants "*" | default dict }}
{{- $result := pick $grants "*" }}
{{- range $place, $granted := omit $grants "*" }}
{{- $left := dict }}
{{- range $what, $plurals := $granted }}
{{- range $plural := $plurals }}
{{- if not (has $plural (get $everywhere $what | default list)) }}
{{- $_ := set $left $what (append (get $left $what | default list) $plural) }}
{{- end }}
{{- end }}
{{- end }}
{{- if $left }}{{ $_ := set $result $place $left }}{{ end }}
{{- end }}
{{- toYaml $result }}
{{- end }}

{{/* Where one kind is read: a YAML map of namespace ("*": cluster-wide) to verb. */}}
{{- define "volsync-exporter.places" -}}
{{- $values := (index . 0).Values }}
{{- $kind := index . 1 }}
{{- $settings := $values.settings }}
{{- $places := dict }}
{{- if and $settings.claims.namespaces (or (eq $kind.reach "claims") (eq $kind.plural "namespaces")) }}
{{- /* One Namespace after the other can be got by a Role in each; their list is the cluster's. */}}
{{- $verb := ternary "get" "list" (eq $kind.plural "namespaces") }}
{{- range $settings.claims.namespaces }}
{{- if not (has . (default list $settings.claims.exclude_namespaces)) }}{{ $_ := set $places . $verb }}{{ end }}
{{- end }}
{{- else if eq $kind.reach "claims" }}
{{- $_ := set $places "*" "list" }}
{{- else if $kind.namespace }}
{{- $_ := set $places $kind.namespace "list" }}
{{- else if and $kind.setting (or $values.rbac.operatorRoles (not $settings.cluster_scoped)) }}
{{- $_ := set $places (get $settings.chain $kind.setting) "list" }}
{{- else if $settings.cluster_scoped }}
{{- $_ := set $places "*" "list" }}
{{- end }}
{{- toYaml $places }}
{{- end }}

{{/* The rules of one Role. */}}
{{- define "volsync-exporter.rules" -}}
{{- range $what, $plurals := . }}
{{- $words := splitList " " $what }}
- apiGroups: [{{ index $words 1 | quote }}]
  resources: [{{ join ", " $plurals }}]
  {{- /* What is listed once is asked for its changes from then on. */}}
  verbs: [{{ ternary "list, watch" (index $words 0) (eq (index $words 0) "list") }}]
{{- end }}
{{- end }}

{{- define "volsync-exporter.subject" -}}
- kind: ServiceAccount
  name: {{ include "volsync-exporter.serviceAccountName" . }}
  namespace: {{ include "volsync-exporter.namespace" . }}
{{- end }}
