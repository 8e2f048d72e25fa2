{{/*
The groups of files/alerts as the values want them, and the values' own groups. A value names an alert, or the one
cause that one of its rules is for; what is said of the cause goes before what is said of the alert.
*/}}
{{- define "volsync-exporter.groups" -}}
{{- $values := .Values.prometheusRule }}
{{- $base := (default dict .Values.settings.web).runbook_base }}
{{- $defaultBase := (.Files.Get "files/defaults.yaml" | fromYaml).runbook_base }}
{{- $known := list }}
{{- $groups := list }}
{{- range $path, $_ := .Files.Glob "files/alerts/*.rules.yaml" }}
{{- range $group := ($.Files.Get $path | fromYaml).groups }}
{{- $rules := list }}
{{- range $rule := $group.rules }}
{{- $left_out := false }}
{{- if $rule.alert }}
{{- $names := compact (list $rule.alert (default dict $rule.labels).cause) }}
{{- $known = concat $known $names }}
{{- $_ := set $rule "labels" (merge (deepCopy $values.alertLabels) (default dict $rule.labels)) }}
{{- range $names }}
{{- with get $values.severities . }}
{{- $_ := set $rule.labels "severity" . }}
{{- end }}
{{- if hasKey $values.disabled . }}{{ $left_out = get $values.disabled . }}{{ end }}
{{- end }}
{{- $_ := set $rule "annotations" (merge (deepCopy $values.alertAnnotations) (default dict $rule.annotations)) }}
{{- if and $base $rule.annotations.runbook_url }}
{{- $_ := set $rule.annotations "runbook_url" ($rule.annotations.runbook_url | replace $defaultBase (trimSuffix "/" $base)) }}
{{- end }}
{{- end }}
{{- if not $left_out }}
{{- $rules = append $rules $rule }}
{{- end }}
{{- end }}
{{- if $rules }}
{{- $_ := set $group "rules" $rules }}
{{- $groups = append $groups $group }}
{{- end }}
{{- end }}
{{- end }}
{{- range $name := concat (keys $values.disabled) (keys $values.severities) | sortAlpha }}
{{- if not (has $name $known) }}
{{- fail (printf "prometheusRule: there is no alert and no cause named %s; there are: %s" $name ($known | uniq | sortAlpha | join ", ")) }}
{{- end }}
{{- end }}
{{- toYaml (concat $groups $values.extraGroups) }}
{{- end }}
