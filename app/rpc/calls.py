"""Which calls there are, what each asks of whoever makes it, and what one that is under way has."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2
from starlette.datastructures import Headers

from app.access.route_scopes import Need
from app.api.requests.caller import Caller, caller_of
from app.gateway import Gateway
from app.request.scope import RequestScope
from app.schemas.wire import RELEASE_HEADER
from app.settings.cold.gateway import GatewayArgs
from ragserve.inference import open_inference_pb2
from ragserve.v1 import rag_pb2

_QUERY: Need = frozenset({"query"})
_INGEST: Need = frozenset({"ingest"})
_OPERATORS: Need = frozenset({"operator"})
NEEDS: Mapping[str, Need] = {
    "/ragserve.v1.Rag/Query": _QUERY,
    "/ragserve.v1.Rag/StreamQuery": _QUERY,
    "/ragserve.v1.Rag/Search": _QUERY,
    "/ragserve.v1.Rag/PutDocuments": _INGEST,
    "/ragserve.v1.Rag/ListDocuments": _QUERY,
    "/ragserve.v1.Rag/GetDocument": _QUERY,
    "/ragserve.v1.Rag/DeleteDocument": _INGEST,
    "/inference.GRPCInferenceService/ServerLive": "public",
    "/inference.GRPCInferenceService/ServerReady": "public",
    "/inference.GRPCInferenceService/ModelReady": _QUERY,
    "/inference.GRPCInferenceService/ServerMetadata": _QUERY,
    "/inference.GRPCInferenceService/ModelMetadata": _QUERY,
    "/inference.GRPCInferenceService/ModelInfer": _QUERY,
    "/grpc.health.v1.Health/Check": "public",
    "/grpc.health.v1.Health/List": "public",
    "/grpc.health.v1.Health/Watch": "public",
}
"""The same as those of the HTTP routes that do the same; what is not here is for operators."""
_IN_BACKGROUND = frozenset({"PutDocuments", "ListDocuments", "GetDocument", "DeleteDocument"})
"""Nobody sits waiting for these, as over HTTP."""
_UPLOADS = frozenset({"PutDocuments"})
_SERVED = {
    rag_pb2.DESCRIPTOR: ("Rag",),
    open_inference_pb2.DESCRIPTOR: ("GRPCInferenceService",),
    health_pb2.DESCRIPTOR: ("Health",),
}


@dataclass(frozen=True, slots=True)
class Rpc:
    """A method of a service.

    Attributes:
        path: As it goes over the wire: `/package.Service/Method`.
        need: What a call must have.
        answers: The class of its answers.
        streams: Whether there are several of them.
        in_background: Whether nobody sits waiting for it.
        is_upload: Whether it may bring files.
    """

    path: str
    need: Need
    answers: type[Message]
    streams: bool
    in_background: bool
    is_upload: bool


def services() -> Iterator[ServiceDescriptor]:
    """Yields the services that there are."""
    for file, names in _SERVED.items():
        for name in names:
            yield file.services_by_name[name]


def _rpcs() -> Iterator[tuple[str, Rpc]]:
    for service in services():
        for method in service.methods:
            yield method.name, _rpc_of(service, method)


def _rpc_of(service: ServiceDescriptor, method: MethodDescriptor) -> Rpc:
    path = f"/{service.full_name}/{method.name}"
    return Rpc(
        path=path,
        need=NEEDS.get(path, _OPERATORS),
        answers=GetMessageClass(method.output_type),
        streams=method.server_streaming,
        in_background=method.name in _IN_BACKGROUND,
        is_upload=method.name in _UPLOADS,
    )


RPCS: Mapping[str, Rpc] = dict(_rpcs())
"""By the method's name alone, which is all that Ray Serve tells: no two services share one."""


def needs_by_path() -> dict[str, Need]:
    """Returns what each call asks for, by its path."""
    return {rpc.path: rpc.need for rpc in RPCS.values()}


@dataclass(frozen=True, slots=True)
class RpcCall:
    """A call that was let in.

    Attributes:
        scope: The request.
        gateway: What is served.
        args: The bounds.
        metadata: What the client sent beside its message.
        timeout_s: What the client gives it; infinite where it does not say.
    """

    scope: RequestScope
    gateway: Gateway
    args: GatewayArgs
    metadata: Headers
    timeout_s: float

    def caller(self) -> Caller:
        """Returns who makes it; raises as `caller_of`."""
        return caller_of(self.scope, self.gateway, self.metadata.get(RELEASE_HEADER.lower()))

    def check_wishes(self) -> None:
        """Makes sure that it asks for nothing that only operators may; raises as `caller_of`."""
        self.caller()


def metadata_of(context: Any) -> Headers:
    """Returns what a client sent beside its message; a name that came twice counts once, as the
    first was sent."""
    raw = [
        (str(name).encode("latin-1"), value if isinstance(value, bytes) else _latin(str(value)))
        for name, value in context.invocation_metadata()
    ]
    return Headers(raw=raw)


def _latin(value: str) -> bytes:
    return value.encode("latin-1", "replace")
