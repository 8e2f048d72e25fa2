{{/* A ServiceMonitor, a PodMonitor or a VMServiceScrape: they differ in a few names. */}}
{{- define "volsync-exporter.monitorApi" -}}
{{- ternary "operator.victoriametrics.com/v1beta1" "monitoring.coreos.com/v1" (eq .Values.serviceMonitor.kind "VMServiceScrape") }}
{{- end }}

{{- define "volsync-exporter.monitorSpec" -}}
{{- $values := .Values.serviceMonitor }}
{{- $ofPods := eq $values.kind "PodMonitor" }}
{{- $spec := dict
  "jobLabel" $values.jobLabel
  "selector" (dict "matchLabels" (include "volsync-exporter.selectorLabels" . | fromYaml))
  "namespaceSelector" (dict "matchNames" (list (include "volsync-exporter.namespace" .)))
  (ternary "podMetricsEndpoints" "endpoints" $ofPods) (list (include "volsync-exporter.endpoint" . | fromYaml))
}}
{{- with $values.targetLabels }}{{ $_ := set $spec (ternary "podTargetLabels" "targetLabels" $ofPods) . }}{{ end }}
{{- with $values.sampleLimit }}{{ $_ := set $spec "sampleLimit" (int64 .) }}{{ end }}
{{- toYaml $spec }}
{{- end }}

{{- define "volsync-exporter.endpoint" -}}
{{- $values := .Values.serviceMonitor }}
{{- $ofVictoria := eq $values.kind "VMServiceScrape" }}
{{- /* `namespace` is the claim's here, not the exporter's: the alerts and the dashboards need it so. */}}
{{- $endpoint := dict "port" "metrics" "path" "/metrics" "scheme" (ternary "https" "http" .Values.web.tls) "honorLabels" true }}
{{- range $name, $value := pick $values "interval" "scrapeTimeout" "tlsConfig" "authorization" "basicAuth" }}
{{- if $value }}{{ $_ := set $endpoint $name $value }}{{ end }}
{{- end }}
{{- $relabelings := $values.relabelings }}
{{- if eq $values.kind "PodMonitor" }}
{{- /* The rules tell exporters apart by `service`, which a pod's scrape has not. */}}
{{- $service := dict "action" "replace" "targetLabel" "service" "replacement" (include "volsync-exporter.fullname" .) }}
{{- $relabelings = prepend $relabelings $service }}
{{- end }}
{{- with $relabelings }}{{ $_ := set $endpoint (ternary "relabelConfigs" "relabelings" $ofVictoria) . }}{{ end }}
{{- with $values.metricRelabelings }}
{{- $_ := set $endpoint (ternary "metricRelabelConfigs" "metricRelabelings" $ofVictoria) . }}
{{- end }}
{{- toYaml $endpoint }}
{{- end }}
