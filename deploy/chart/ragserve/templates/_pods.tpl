{{- /* What all pods have in common. */ -}}

{{- define "ragserve.podSecurity" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "ragserve.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- define "ragserve.pullSecrets" -}}
{{- with .Values.image.pullSecrets -}}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end -}}
{{- end -}}

{{- define "ragserve.placement" -}}
{{- with .nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* A variable whose value is in the Secret. */ -}}
{{- define "ragserve.secretVariable" -}}
- name: {{ .name }}
  valueFrom:
    secretKeyRef: {name: {{ .root.Values.secrets.existingSecret }}, key: {{ .key }}}
{{- end -}}

{{- /* What `ragserve env` writes for the nodes of a cluster; KubeRay adds the token. */ -}}
{{- define "ragserve.rayEnvironment" -}}
{{- $root := . -}}
- {name: RAY_USAGE_STATS_ENABLED, value: "0"}
- {name: RAY_worker_niceness, value: "0"}
- {name: MALLOC_ARENA_MAX, value: "2"}
- {name: RAY_SERVE_REPLICA_GRPC_MAX_MESSAGE_LENGTH, value: "67108864"}
- {name: RAY_preload_python_modules, value: app.cluster.preload}
- {name: RAY_SERVE_CONTROL_LOOP_INTERVAL_S, value: "0.25"}
- {name: RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH, value: "app.edge.middleware:edge_middlewares"}
- {name: RAY_SERVE_ENABLE_HA_PROXY, value: "1"}
- {name: RAY_SERVE_THROUGHPUT_OPTIMIZED, value: "1"}
- {name: RAY_SERVE_REQUEST_PATH_LOG_BUFFER_SIZE, value: "1"}
- {name: RAY_SERVE_HAPROXY_TIMEOUT_CONNECT_S, value: "1"}
- {name: RAY_SERVE_HAPROXY_HARD_STOP_AFTER_S, value: "640"}
- {name: RAY_SERVE_HAPROXY_BINARY_PATH, value: /opt/ragserve/bin/ragserve-haproxy}
- {name: RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S, value: {{ $root.Values.ray.drainSeconds | quote }}}
{{- $keys := list "RAGSERVE_DATABASE_URL" "RAGSERVE_LIMITS_URL" "RAGSERVE_KEY_PEPPER" "RAGSERVE_ADMIN_KEY" "RAGSERVE_CONTENT_SALT" -}}
{{- range concat $keys $root.Values.secrets.extraKeys }}
{{ include "ragserve.secretVariable" (dict "root" $root "name" . "key" .) }}
{{- end }}
{{- end -}}

{{- /* The pod of a Ray node: root, component, group (resources and placement), gpus. */ -}}
{{- define "ragserve.rayPod" -}}
{{- $root := .root -}}
metadata:
  labels:
    {{- include "ragserve.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
    ragserve.io/ray: node
spec:
  automountServiceAccountToken: {{ eq .component "head" }}
  terminationGracePeriodSeconds: {{ add $root.Values.ray.drainSeconds 30 }}
  securityContext: {{- include "ragserve.podSecurity" $root | nindent 4 }}
  {{- include "ragserve.pullSecrets" $root | nindent 2 }}
  {{- include "ragserve.placement" .group | nindent 2 }}
  {{- if ne .component "head" }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels: {{- include "ragserve.selector" . | nindent 10 }}
  {{- end }}
  containers:
    - name: ray-{{ .component }}
      image: {{ include "ragserve.image" $root }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      securityContext: {{- include "ragserve.containerSecurity" $root | nindent 8 }}
      ports:
        {{- if eq .component "head" }}
        - {name: gcs-server, containerPort: 6379}
        - {name: dashboard, containerPort: 8265}
        - {name: client, containerPort: 10001}
        {{- end }}
        - {name: serve, containerPort: 8000}
        {{- if $root.Values.grpc.enabled }}
        - {name: grpc, containerPort: {{ $root.Values.grpc.port }}}
        {{- end }}
        - {name: metrics, containerPort: 8080}
      {{- if ne .component "head" }}
      # Traffic comes when questions can be answered: /-/healthz, which KubeRay would ask, says only that a
      # replica of the gateway answers. The node itself is looked after by KubeRay's liveness probe.
      readinessProbe:
        httpGet: {path: /health/ready, port: 8000}
        periodSeconds: 5
        timeoutSeconds: 5
        failureThreshold: 2
      {{- end }}
      env: {{- include "ragserve.rayEnvironment" $root | nindent 8 }}
      resources:
        requests: {{- toYaml .group.resources.requests | nindent 10 }}
        limits: {{- toYaml .group.resources.limits | nindent 10 }}
          {{- with .gpus }}
          {{ $root.Values.gpuWorkers.resourceName }}: {{ . }}
          {{- end }}
      volumeMounts:
        - {name: tmp, mountPath: /tmp}
        - {name: home, mountPath: /home/ragserve}
        - {name: spool, mountPath: /var/spool/ragserve}
  volumes:
    - {name: tmp, emptyDir: {sizeLimit: 10Gi}}
    {{- include "ragserve.volume" (dict "name" "home" "from" $root.Values.home) | nindent 4 }}
    {{- include "ragserve.volume" (dict "name" "spool" "from" $root.Values.spool) | nindent 4 }}
{{- end -}}

{{- define "ragserve.volume" -}}
- name: {{ .name }}
{{- if .from.claim }}
  persistentVolumeClaim: {claimName: {{ .from.claim }}}
{{- else }}
  emptyDir: {sizeLimit: {{ .from.sizeLimit }}}
{{- end }}
{{- end -}}
