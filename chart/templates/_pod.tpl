{{/*
The store's access, key by key: a base Secret also holds the restic password, which the exporter has no use for, so
the Secret is never taken whole.
*/}}
{{- define "volsync-exporter.env" -}}
{{- with .Values.s3.existingSecret }}
- name: AWS_ACCESS_KEY_ID
  valueFrom:
    secretKeyRef:
      name: {{ . }}
      key: {{ $.Values.s3.keys.accessKeyId }}
- name: AWS_SECRET_ACCESS_KEY
  valueFrom:
    secretKeyRef:
      name: {{ . }}
      key: {{ $.Values.s3.keys.secretAccessKey }}
{{- if not $.Values.settings.buckets }}
- name: RESTIC_REPOSITORY_BASE
  valueFrom:
    secretKeyRef:
      name: {{ . }}
      key: {{ $.Values.s3.keys.repositoryBase }}
{{- end }}
{{- end }}
{{- if .Values.s3.credentialsFile.existingSecret }}
- name: AWS_SHARED_CREDENTIALS_FILE
  value: /etc/volsync-exporter/s3/credentials
{{- end }}
{{- with include "volsync-exporter.caFile" . }}
- name: AWS_CA_BUNDLE
  value: {{ . }}
{{- end }}
{{- end }}

{{/* How to probe a path. A probe has no certificate to show: where one is demanded, it only opens a connection. */}}
{{- define "volsync-exporter.probe" -}}
{{- $root := index . 0 }}
{{- if $root.Values.web.clientCertificates }}
tcpSocket:
  port: metrics
{{- else }}
httpGet:
  path: {{ index . 1 }}
  port: metrics
  scheme: {{ ternary "HTTPS" "HTTP" $root.Values.web.tls }}
{{- end }}
{{- end }}

{{/* How the pods spread. A constraint that selects no pods spreads none, so these are the exporter's own by default. */}}
{{- define "volsync-exporter.spread" -}}
{{- $own := dict "labelSelector" (dict "matchLabels" (include "volsync-exporter.selectorLabels" . | fromYaml)) }}
{{- $constraints := list }}
{{- range .Values.topologySpreadConstraints }}
{{- $constraints = append $constraints (hasKey . "labelSelector" | ternary . (merge (omit . "labelSelector") (deepCopy $own))) }}
{{- end }}
{{- with $constraints }}{{ toYaml . }}{{ end }}
{{- end }}

{{/* The labels of the pod that `helm test` runs; the Service must not select it. */}}
{{- define "volsync-exporter.testLabels" -}}
app.kubernetes.io/name: {{ include "volsync-exporter.name" . }}-test
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
