{{/* The configuration, and what can be said against the values before anything is installed. */}}

{{/* The folder of the SQLite file; the binary looks for its configuration in /etc/evenkeel by itself. */}}
{{- define "evenkeel.dataFolder" -}}/var/lib/evenkeel{{- end }}

{{/* The operator's text comes first: lines in an error are then lines of `config`. */}}
{{- define "evenkeel.config" -}}
{{ .Values.config | trim }}

# --- from here on written by the chart -------------------------------------------------------------------------------

[http]
listen = {{ printf "%s:%d" .Values.http.address (int .Values.http.port) | toJson }}
base_path = {{ .Values.http.basePath | toJson }}
{{- with .Values.http.trustedProxies }}
trusted_proxies = {{ toJson . }}
{{- end }}
{{- with .Values.http.extra }}
{{ . | trim }}
{{- end }}

[store]
{{- if eq .Values.store.kind "postgresql" }}
url = {{ .Values.store.postgresql.url | toJson }}
{{- with .Values.store.postgresql.passwordKey }}
password = { env = {{ toJson . }} }
{{- end }}
{{- else }}
path = "{{ include "evenkeel.dataFolder" . }}/evenkeel.db"
{{- end }}
{{- with .Values.store.extra }}
{{ . | trim }}
{{- end }}
{{- end }}

{{/* Every mistake at once, each with what to do. The schema has refused what it can before this. */}}
{{- define "evenkeel.check" -}}
{{- $found := list }}
{{- $config := regexReplaceAll "(?m)#.*$" .Values.config "" }}
{{- if not (trim $config) }}
  {{- $found = append $found "config: is empty; it says what evenkeel watches: at least [netbox], and somebody who may look ([[access.user]]); examples/evenkeel.toml shows every key" }}
{{- else }}
  {{- if not (regexMatch `(?m)^\s*\[\s*netbox\s*\]` $config) }}
    {{- $found = append $found "config: has no [netbox], which says what should exist" }}
  {{- end }}
  {{- range $table := list "http" "store" }}
    {{- if regexMatch (printf `(?m)^\s*\[\s*%s\s*\]` $table) $config }}
      {{- $found = append $found (printf "config: the table [%s] is written by the chart; take it out, and put keys that `%s` of the values lacks into `%s.extra`" $table $table $table) }}
    {{- end }}
  {{- end }}
  {{- if not (regexMatch `(?m)^\s*\[+\s*(access\s*\.\s*(user|token|proxy)|remediation\s*\.\s*approver)\b` $config) }}
    {{- $found = append $found "config: nobody may look, and evenkeel does not start; name a user, a token or a proxy: `evenkeel passwd NAME --role admin` prints the lines of a user" }}
  {{- end }}
  {{- if and .Values.serviceMonitor.enabled (not .Values.serviceMonitor.authorization.secretName) (not (regexMatch `(?m)^\s*open_metrics\s*=\s*true` $config)) }}
    {{- $found = append $found "serviceMonitor: Prometheus would be refused; name the Secret with its token in serviceMonitor.authorization.secretName, or let everybody read the metrics with `open_metrics = true` in the table [access] of config" }}
  {{- end }}
{{- end }}
{{- /* Not the schema's business: it would repeat the address, and with it the password. */}}
{{- if eq .Values.store.kind "postgresql" }}
  {{- if not (regexMatch `^postgres(ql)?://` .Values.store.postgresql.url) }}
    {{- $found = append $found "store.postgresql.url: does not begin with postgres://" }}
  {{- else if regexMatch `^[a-z]+://[^/]*:[^/]*@` .Values.store.postgresql.url }}
    {{- $found = append $found "store.postgresql.url: holds a password, and it would be in a ConfigMap; leave it out, and name its key of the Secret in store.postgresql.passwordKey" }}
  {{- end }}
{{- end }}
{{- if not .Values.secret.existingSecret }}
  {{- $known := keys .Values.secret.data }}
  {{- range .Values.env }}
    {{- $known = append $known .name }}
  {{- end }}
  {{- range $mention := regexFindAll `\benv\s*=\s*"[^"]+"` (regexReplaceAll "(?m)#.*$" (include "evenkeel.config" .) "") -1 | uniq }}
    {{- $name := regexReplaceAll `^.*"([^"]+)"$` $mention "${1}" }}
    {{- if not (has $name $known) }}
      {{- $found = append $found (printf "config: takes %s from the environment, and neither secret.data nor env has it; or name a Secret that does in secret.existingSecret" $name) }}
    {{- end }}
  {{- end }}
{{- end }}
{{- if $found }}
  {{- fail (printf "\n\nthe values cannot work:\n  - %s\n" (join "\n  - " $found)) }}
{{- end }}
{{- end }}
