{{/* Names and labels, as charts have them. */}}

{{- define "evenkeel.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "evenkeel.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "evenkeel.chart" -}}
{{- printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "evenkeel.commonLabels" -}}
helm.sh/chart: {{ include "evenkeel.chart" . }}
app.kubernetes.io/name: {{ include "evenkeel.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: {{ include "evenkeel.name" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "evenkeel.labels" -}}
{{ include "evenkeel.commonLabels" . }}
app.kubernetes.io/component: controller
{{- end }}

{{/* The component is among them: otherwise the Service would send people to a test's pod. */}}
{{- define "evenkeel.selectorLabels" -}}
app.kubernetes.io/name: {{ include "evenkeel.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: controller
{{- end }}

{{- define "evenkeel.testLabels" -}}
{{ include "evenkeel.commonLabels" . }}
app.kubernetes.io/component: test
{{- end }}

{{- define "evenkeel.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "evenkeel.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "evenkeel.secretName" -}}
{{- default (include "evenkeel.fullname" .) .Values.secret.existingSecret }}
{{- end }}

{{/* Whether there is a Secret at all: "yes" or nothing. */}}
{{- define "evenkeel.hasSecret" -}}
{{- if or .Values.secret.existingSecret .Values.secret.data }}yes{{ end }}
{{- end }}

{{- define "evenkeel.claimName" -}}
{{- default (include "evenkeel.fullname" .) .Values.persistence.existingClaim }}
{{- end }}

{{- define "evenkeel.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}
