{{/*
What the exporter may list, from the table of kinds that it reads itself (files/permissions.yaml): a YAML map of
namespace ("*": cluster-wide) to API group ("core": the one without a name) to the plurals that are listed there.
*/}}
{{- define "volsync-exporter.grants" -}}
{{- $settings := .Values.settings }}
{{- $sources := $settings.sources }}
{{- if eq $settings.secrets "metadata" }}{{ $sources = append $sources "secrets" }}{{ end }}
{{- $grants := dict }}
{{- range $kind := .Files.Get "files/permissions.yaml" | fromYamlArray }}
{{- if has $kind.source $sources }}
{{- $group := default "core" $kind.group }}
{{- range $place := include "volsync-exporter.places" (list $ $kind) | fromYamlArray }}
{{- $groups := get $grants $place | default dict }}
{{- $_ := set $groups $group (append (get $groups $group | default list) $kind.plural | uniq) }}
{{- $_ := set $grants $place $groups }}
{{- end }}
{{- end }}
{{- end }}
{{- /* A Role need not repeat what the ClusterRole grants. */}}
{{- $everywhere := get $grants "*" | default dict }}
{{- $result := pick $grants "*" }}
{{- range $place, $groups := omit $grants "*" }}
{{- $left := dict }}
{{- range $group, $plurals := $groups }}
{{- range $plural := $plurals }}
{{- if not (has $plural (get $everywhere $group | default list)) }}
{{- $_ := set $left $group (append (get $left $group | default list) $plural) }}
{{- end }}
{{- end }}
{{- end }}
{{- if $left }}{{ $_ := set $result $place $left }}{{ end }}
{{- end }}
{{- toYaml $result }}
{{- end }}

{{/* Where one kind is listed: a YAML list of namespaces, or of "*" alone. */}}
{{- define "volsync-exporter.places" -}}
{{- $values := (index . 0).Values }}
{{- $kind := index . 1 }}
{{- $places := list }}
{{- if eq $kind.reach "claims" }}
{{- $places = default (list "*") $values.settings.claims.namespaces }}
{{- else if $kind.namespace }}
{{- $places = list $kind.namespace }}
{{- else if and $kind.setting (or $values.rbac.operatorRoles (not $values.settings.cluster_scoped)) }}
{{- $places = list (get $values.settings.chain $kind.setting) }}
{{- else if $values.settings.cluster_scoped }}
{{- $places = list "*" }}
{{- end }}
{{- toYaml $places }}
{{- end }}

{{/* The rules of one Role. */}}
{{- define "volsync-exporter.rules" -}}
{{- range $group, $plurals := . }}
- apiGroups: [{{ ternary "" $group (eq $group "core") | quote }}]
  resources: [{{ join ", " $plurals }}]
  verbs: [list]
{{- end }}
{{- end }}

{{- define "volsync-exporter.subject" -}}
- kind: ServiceAccount
  name: {{ include "volsync-exporter.serviceAccountName" . }}
  namespace: {{ include "volsync-exporter.namespace" . }}
{{- end }}
