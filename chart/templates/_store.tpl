{{/*
Where the store listens, as far as the values say it: a YAML map of
  ports       the TCP ports of all endpoints that stand in the clear, and of proxies before them
  namespaces  those of endpoints that are Services of this cluster. A NetworkPolicy sees the port of the pod behind a
              Service, which only the cluster knows
  hidden      what says where the other endpoints are, and cannot be read here
*/}}
{{- define "volsync-exporter.store" -}}
{{- $values := .Values }}
{{- $environment := dict }}
{{- range $values.extraEnv }}{{ $_ := set $environment .name (default "" .value) }}{{ end }}
{{- $urls := list }}{{ $ports := list }}{{ $namespaces := list }}{{ $hidden := list }}
{{- $repository := coalesce $environment.RESTIC_REPOSITORY_BASE $environment.RESTIC_REPOSITORY }}
{{- $sdk := coalesce $environment.AWS_ENDPOINT_URL_S3 $environment.AWS_ENDPOINT_URL }}
{{- range $bucket := $values.settings.buckets | default (list dict) }}
{{- if or $bucket.endpoint $bucket.repository_base }}
{{- $urls = append $urls (coalesce $bucket.endpoint $bucket.repository_base) }}
{{- else if and $bucket.bucket $sdk }}
{{- $urls = append $urls $sdk }}
{{- else if and $bucket.bucket $bucket.profile }}
{{- $hidden = append $hidden (printf "the profile %s" $bucket.profile) }}
{{- else if and $bucket.bucket $values.extraEnvFrom }}
{{- $hidden = append $hidden "extraEnvFrom" }}
{{- else if $bucket.bucket }}
{{- $urls = append $urls "https://s3.amazonaws.com" }}
{{- else if and $values.s3.existingSecret (not $values.settings.buckets) }}
{{- $hidden = append $hidden (printf "the Secret %s" $values.s3.existingSecret) }}
{{- else if $repository }}
{{- $urls = append $urls $repository }}
{{- else }}
{{- $hidden = append $hidden "the environment" }}
{{- end }}
{{- end }}
{{- range $name := list "HTTP_PROXY" "HTTPS_PROXY" "http_proxy" "https_proxy" }}
{{- with get $environment $name }}{{ $urls = append $urls . }}{{ end }}
{{- end }}
{{- range $url := $urls }}
{{- /* `s3:http://host:port/bucket/`, `s3:host/bucket/` (over TLS), `https://user:password@host` */}}
{{- $url = regexReplaceAll "^s3:" $url "" }}
{{- $authority := regexReplaceAll "^(https?:)?//" $url "" | splitList "/" | first | regexFind "[^@]*$" }}
{{- $port := regexFind ":[0-9]+$" $authority | trimPrefix ":" | default (ternary "80" "443" (hasPrefix "http://" $url)) }}
{{- $ports = append $ports (int $port) }}
{{- $host := regexReplaceAll ":[0-9]+$" $authority "" }}
{{- if regexMatch "^[^.]+\\.[^.]+\\.svc($|\\.)" $host }}
{{- $namespaces = append $namespaces (splitList "." $host | rest | first) }}
{{- else if not (regexMatch "[.:]" $host) }}
{{- $namespaces = append $namespaces (include "volsync-exporter.namespace" $) }}
{{- end }}
{{- end }}
{{- dict "ports" ($ports | uniq) "namespaces" ($namespaces | uniq) "hidden" ($hidden | uniq) | toYaml }}
{{- end }}

{{/* The egress rules to the store. */}}
{{- define "volsync-exporter.storeEgress" -}}
{{- $given := .Values.networkPolicy.egress.s3 }}
{{- $store := include "volsync-exporter.store" . | fromYaml }}
{{- $anyPort := list (dict "protocol" "TCP") }}
{{- $ports := list }}
{{- range default $store.ports $given.ports }}
{{- $ports = append $ports (dict "port" (int .) "protocol" "TCP") }}
{{- end }}
{{- if and (not $given.ports) (or $store.hidden (and $given.to $store.namespaces)) }}{{ $ports = $anyPort }}{{ end }}
{{- $rule := dict "ports" $ports }}
{{- with $given.to }}{{ $_ := set $rule "to" . }}{{ end }}
{{- $rules := list $rule }}
{{- if not (or $given.ports $given.to) }}
{{- range $store.namespaces }}
{{- $peer := dict "namespaceSelector" (dict "matchLabels" (dict "kubernetes.io/metadata.name" .)) }}
{{- $rules = append $rules (dict "ports" $anyPort "to" (list $peer)) }}
{{- end }}
{{- end }}
{{- toYaml $rules }}
{{- end }}
