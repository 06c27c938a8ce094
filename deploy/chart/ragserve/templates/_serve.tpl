{{- /*
The Serve file: the preset, or the user's own, with the addresses of this release's servers, a folder for the spool,
and the version of the code in the environment of each application of ours. It holds no secret: KubeRay shows it.
*/ -}}
{{- define "ragserve.serveConfig" -}}
{{- $file := .Files.Get (printf "files/serve_config.%s.yaml" .Values.serve.preset) -}}
{{- $text := default $file .Values.serve.config -}}
{{- $chroma := include "ragserve.chromaUrl" . -}}
{{- $mlflow := include "ragserve.mlflowUrl" . -}}
{{- /* A loopback address would be another server, or none, in each pod. */ -}}
{{- range list "http://chroma:8000" "http://127.0.0.1:8100" -}}
{{- $text = replace . $chroma $text -}}
{{- end -}}
{{- range list "http://mlflow:5000" "http://127.0.0.1:5000" -}}
{{- $text = replace . $mlflow $text -}}
{{- end -}}
{{- $config := fromYaml $text -}}
{{- if not (hasKey $config "applications") -}}
{{- fail "serve.config is no Serve file: it has no `applications`" -}}
{{- end -}}
{{- $version := include "ragserve.version" . -}}
{{- range $config.applications -}}
{{- if hasPrefix "app.builder:" .import_path -}}
{{- $environment := default dict .runtime_env -}}
{{- $variables := default dict $environment.env_vars -}}
{{- if not (hasKey $variables "RAGSERVE_VERSION") -}}
{{- $_ := set $variables "RAGSERVE_VERSION" $version -}}
{{- end -}}
{{- $_ := set $environment "env_vars" $variables -}}
{{- $_ := set . "runtime_env" $environment -}}
{{- end -}}
{{- if .args -}}
{{- if .args.tracing -}}
{{- if not .args.tracing.spool_dir -}}
{{- $_ := set .args.tracing "spool_dir" "/var/spool/ragserve" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if .Values.grpc.enabled -}}
{{- $options := default dict $config.grpc_options -}}
{{- $_ := set $options "port" .Values.grpc.port -}}
{{- if not $options.grpc_servicer_functions -}}
{{- $own := "ragserve.v1.rag_pb2_grpc.add_RagServicer_to_server" -}}
{{- $inference := "ragserve.inference.open_inference_pb2_grpc.add_GRPCInferenceServiceServicer_to_server" -}}
{{- $health := "grpc_health.v1.health_pb2_grpc.add_HealthServicer_to_server" -}}
{{- $_ := set $options "grpc_servicer_functions" (list $own $inference $health) -}}
{{- end -}}
{{- $_ := set $config "grpc_options" $options -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}
