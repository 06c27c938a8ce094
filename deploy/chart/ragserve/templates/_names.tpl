{{- /* Names, labels and addresses. */ -}}

{{- define "ragserve.name" -}}
{{- default .Release.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- /* Of whatever the chart makes. */ -}}
{{- define "ragserve.labels" -}}
app.kubernetes.io/part-of: ragserve
app.kubernetes.io/instance: {{ include "ragserve.name" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- /* By which pods are found. KubeRay writes app.kubernetes.io/name itself, so that it is none of them. */ -}}
{{- define "ragserve.selector" -}}
app.kubernetes.io/instance: {{ include "ragserve.name" .root }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "ragserve.tag" -}}
{{- $suffix := "" -}}
{{- if .Values.gpuWorkers.enabled -}}{{- $suffix = "-gpu" -}}{{- end -}}
{{- default (printf "%s%s" .Chart.AppVersion $suffix) .Values.image.tag -}}
{{- end -}}

{{- define "ragserve.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ include "ragserve.tag" . }}
{{- end -}}
{{- end -}}

{{- /* What tells other code apart: Serve does not look at the image. */ -}}
{{- define "ragserve.version" -}}
{{- if .Values.serve.version -}}{{ .Values.serve.version }}
{{- else if .Values.image.digest -}}{{ .Values.image.digest }}
{{- else -}}{{ include "ragserve.tag" . }}
{{- end -}}
{{- end -}}

{{- define "ragserve.chromaUrl" -}}
{{- if .Values.chroma.enabled -}}http://{{ include "ragserve.name" . }}-chroma:8000
{{- else -}}{{ required "chroma.url is needed where chroma.enabled is false" .Values.chroma.url | trimSuffix "/" }}
{{- end -}}
{{- end -}}

{{- define "ragserve.mlflowUrl" -}}
{{- if .Values.mlflow.enabled -}}http://{{ include "ragserve.name" . }}-mlflow:5000
{{- else -}}{{ required "mlflow.url is needed where mlflow.enabled is false" .Values.mlflow.url | trimSuffix "/" }}
{{- end -}}
{{- end -}}
