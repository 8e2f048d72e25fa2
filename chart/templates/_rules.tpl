{{/* The groups of files/alerts, as the values want them. */}}
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
{{- if $rule.alert }}
{{- $known = append $known $rule.alert }}
{{- with get $values.severities $rule.alert }}
{{- $_ := set $rule.labels "severity" . }}
{{- end }}
{{- $_ := set $rule "labels" (merge (deepCopy $values.alertLabels) (default dict $rule.labels)) }}
{{- $_ := set $rule "annotations" (merge (deepCopy $values.alertAnnotations) (default dict $rule.annotations)) }}
{{- if and $base $rule.annotations.runbook_url }}
{{- $_ := set $rule.annotations "runbook_url" ($rule.annotations.runbook_url | replace $defaultBase (trimSuffix "/" $base)) }}
{{- end }}
{{- end }}
{{- if not (and $rule.alert (get $values.disabled $rule.alert)) }}
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
{{- fail (printf "prometheusRule: there is no alert named %s; there are: %s" $name ($known | uniq | sortAlpha | join ", ")) }}
{{- end }}
{{- end }}
{{- toYaml $groups }}
{{- end }}
