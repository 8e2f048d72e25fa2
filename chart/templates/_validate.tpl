{{/* What the schema cannot say of values that contradict each other. */}}
{{- define "volsync-exporter.validate" -}}
{{- $claims := .Values.settings.claims }}
{{- if and (not .Values.settings.cluster_scoped) (not $claims.namespaces) }}
{{- fail "settings.cluster_scoped is false, so settings.claims.namespaces must name the namespaces to look at" }}
{{- end }}
{{- if and (eq .Values.settings.secrets "metadata") (not $claims.namespaces) (not .Values.rbac.secretsClusterWide) }}
{{- fail "settings.secrets is `metadata`: name the namespaces in settings.claims.namespaces, or set rbac.secretsClusterWide=true, with which the exporter's token can read every Secret of the cluster" }}
{{- end }}
{{- if and .Values.rbac.secretsClusterWide (ne .Values.settings.secrets "metadata") }}
{{- fail "rbac.secretsClusterWide grants nothing unless settings.secrets is `metadata`" }}
{{- end }}
{{- if and .Values.rbac.secretsClusterWide $claims.namespaces }}
{{- fail "rbac.secretsClusterWide and settings.claims.namespaces exclude each other: Secrets are listed in the named namespaces alone" }}
{{- end }}
{{- if and .Values.s3.ca.configMap .Values.s3.ca.secret }}
{{- fail "s3.ca.configMap and s3.ca.secret exclude each other" }}
{{- end }}
{{- if and (or .Values.web.tls .Values.web.clientCertificates .Values.web.certificateSecret) (not .Values.web.configSecret) }}
{{- fail "web.tls, web.clientCertificates and web.certificateSecret say what a web configuration file holds: name its Secret in web.configSecret" }}
{{- end }}
{{- if and .Values.serviceMonitor.tlsConfig (not .Values.web.tls) }}
{{- fail "serviceMonitor.tlsConfig needs web.tls=true: the listener speaks plain HTTP otherwise" }}
{{- end }}
{{- if and .Values.serviceMonitor.authorization .Values.serviceMonitor.basicAuth }}
{{- fail "serviceMonitor.authorization and serviceMonitor.basicAuth exclude each other" }}
{{- end }}
{{- if and (eq .Values.service.clusterIP "None") (ne .Values.service.type "ClusterIP") }}
{{- fail "service.clusterIP is None, so service.type must be ClusterIP" }}
{{- end }}
{{- if and (eq .Values.service.ipFamilyPolicy "SingleStack") (gt (len .Values.service.ipFamilies) 1) }}
{{- fail "service.ipFamilies names two families, so service.ipFamilyPolicy must be PreferDualStack or RequireDualStack" }}
{{- end }}
{{- if and (eq .Values.serviceMonitor.kind "PodMonitor") (pick .Values.serviceMonitor.tlsConfig "caFile" "certFile" "keyFile") }}
{{- fail "serviceMonitor.kind is PodMonitor, which takes authorities and certificates from Secrets and ConfigMaps alone: use ca, cert and keySecret in serviceMonitor.tlsConfig" }}
{{- end }}
{{- if and (eq .Values.serviceMonitor.kind "VMServiceScrape") (pick .Values.serviceMonitor.tlsConfig "minVersion" "maxVersion") }}
{{- fail "serviceMonitor.kind is VMServiceScrape, whose tlsConfig has no minVersion and no maxVersion" }}
{{- end }}
{{- end }}
