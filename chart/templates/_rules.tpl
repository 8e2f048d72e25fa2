{{/*
The groups of files/alerts as the values want them, and the values' own groups. A value names an alert or its cause, which
is the name of its runbook page; what is said of the cause goes before what is said of the alert.
*/}}
{{- define "volsync-exporter.groups" -}}
{{- $values := .Values.prometheusRule }}
{{- $known := list }}
{{- $groups := list }}
{{- $files := list "files/alerts/*.rules.yaml" }}
{{- if $values.watchdog }}{{ $files = append $files "files/alerts/optional/*.rules.yaml" }}{{ end }}
{{- range $glob := $files }}
{{- range $path, $_ := $.Files.Glob $glob }}
{{- range $group := ($.Files.Get $path | fromYaml).groups }}
{{- $rules := list }}
{{- range $rule := $group.rules }}
{{- $left_out := false }}
{{- if $rule.alert }}
{{- $names := list $rule.alert (base $rule.annotations.runbook_url | trimSuffix ".md") | uniq }}
{{- $known = concat $known $names }}
{{- range $names }}
{{- if hasKey $values.disabled . }}{{ $left_out = get $values.disabled . }}{{ end }}
{{- end }}
{{- $_ := include "volsync-exporter.alert" (list $ $rule $names) }}
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
{{- end }}
{{- range $name := concat (keys $values.disabled) (keys $values.overrides) | sortAlpha }}
{{- if not (has $name $known) }}
{{- fail (printf "prometheusRule: there is no alert and no cause named %s; there are: %s" $name ($known | uniq | sortAlpha | join ", ")) }}
{{- end }}
{{- end }}
{{- toYaml (concat $groups $values.extraGroups) }}
{{- end }}

{{/* Changes one alert as the values want it: of (the root, the rule, the names that it goes by). */}}
{{- define "volsync-exporter.alert" -}}
{{- $root := index . 0 }}{{ $rule := index . 1 }}
{{- $values := $root.Values.prometheusRule }}
{{- $labels := merge (deepCopy $values.alertLabels) (default dict $rule.labels) }}
{{- $annotations := merge (deepCopy $values.alertAnnotations) $rule.annotations }}
{{- range index . 2 }}
{{- with get $values.overrides . }}
{{- $_ := mustMergeOverwrite $rule (pick . "expr" "for" "keep_firing_for") }}
{{- $_ := mustMergeOverwrite $labels (default dict .labels) (pick . "severity") }}
{{- $_ := mustMergeOverwrite $annotations (default dict .annotations) }}
{{- end }}
{{- end }}
{{- $_ := set $annotations "runbook_url" (include "volsync-exporter.withRunbooks" (list $root $annotations.runbook_url)) }}
{{- $_ := set $rule "alert" (print $values.namePrefix $rule.alert) }}
{{- $_ := set $rule "annotations" $annotations }}
{{- if $labels }}{{ $_ := set $rule "labels" $labels }}{{ end }}
{{- end }}
