"""What a Serve config may say of gRPC: `grpc_options` is Serve's own, and these are the mistakes in
it that Serve would not name."""

from collections.abc import Sequence
from typing import Any

from app.settings.cold.gateway import GatewayArgs
from deployments.contracts.errors import ConfigError

SERVICERS = (
    "ragserve.v1.rag_pb2_grpc.add_RagServicer_to_server",
    "ragserve.inference.open_inference_pb2_grpc.add_GRPCInferenceServiceServicer_to_server",
    "grpc_health.v1.health_pb2_grpc.add_HealthServicer_to_server",
)
"""What there is to be listed: our own contract, the Open Inference Protocol, and health."""
_GATEWAY = "app.builder:build_gateway"


def check_grpc(
    path: object, content: dict[str, Any], applications: Sequence[dict[str, Any]]
) -> None:
    """Checks what a config says of gRPC, where it says anything.

    Args:
        path: The file that errors name.
        content: What it holds.
        applications: Those of it.

    Raises:
        ConfigError: calls would not arrive, or streams would be cut.
    """
    options = content.get("grpc_options") or {}
    functions = options.get("grpc_servicer_functions") or []
    if not functions:
        return
    if unknown := [name for name in functions if name not in SERVICERS]:
        raise ConfigError(
            f"{path}: grpc_options.grpc_servicer_functions: nothing here serves {unknown[0]}. There"
            f" are: {', '.join(SERVICERS)}."
        )
    if options.get("port", 9000) == (content.get("http_options") or {}).get("port", 8000):
        raise ConfigError(f"{path}: grpc_options.port is the port of HTTP as well.")
    routed = [one.get("name") for one in applications if one.get("route_prefix", "/") is not None]
    if len(routed) > 1:
        raise ConfigError(
            f"{path}: grpc_options: with several applications that have a `route_prefix`"
            f" ({', '.join(map(str, routed))}), Serve refuses calls that name none, such as those"
            " of Kubernetes' probes."
        )
    _check_time(path, options.get("request_timeout_s"), applications)


def _check_time(path: object, told_s: float | None, applications: Sequence[dict[str, Any]]) -> None:
    for application in applications:
        if told_s is None or application.get("import_path") != _GATEWAY:
            continue
        usual_s = GatewayArgs.model_fields["stream_timeout_s"].default
        stream_s = (application.get("args") or {}).get("stream_timeout_s", usual_s)
        if told_s < stream_s:
            raise ConfigError(
                f"{path}: grpc_options.request_timeout_s ({told_s}) would cut streams, which may"
                f" take stream_timeout_s ({stream_s}). Leave it out: the gateway has limits of its"
                " own."
            )
