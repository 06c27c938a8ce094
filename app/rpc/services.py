"""Everything that is served over gRPC, by the names of methods."""

from collections.abc import AsyncGenerator, Mapping

from google.protobuf.message import Message

from app.edge.entrance import Entrance
from app.gateway import Gateway
from app.rpc import documents, inference, rag
from app.rpc.calls import RPCS
from app.rpc.guard import RpcContext, RpcGuard, Streaming, Unary
from app.rpc.health import Health
from app.settings.cold.gateway import GatewayArgs


class RpcServices:
    """The calls of one replica.

    Args:
        entrance: What they pass, as requests over HTTP do.
        gateway: What is served.
        args: The bounds.
    """

    def __init__(self, entrance: Entrance, gateway: Gateway, args: GatewayArgs) -> None:
        self._guard = RpcGuard(entrance, gateway, args)
        health = Health()
        self.unary: Mapping[str, Unary] = {
            "Query": rag.query,
            "Search": rag.search_chunks,
            "PutDocuments": documents.put_documents,
            "ListDocuments": documents.list_page,
            "GetDocument": documents.find_document,
            "DeleteDocument": documents.remove_document,
            "ServerLive": inference.server_live,
            "ServerReady": inference.server_ready,
            "ModelReady": inference.model_ready,
            "ServerMetadata": inference.server_metadata,
            "ModelMetadata": inference.model_metadata,
            "ModelInfer": inference.model_infer,
            "Check": health.check,
            "List": health.list_all,
        }
        self.streaming: Mapping[str, Streaming] = {
            "StreamQuery": rag.stream_query,
            "Watch": health.watch,
        }

    async def call(self, name: str, request: Message, context: RpcContext) -> Message:
        """Returns the answer of a method that has one."""
        return await self._guard.unary(RPCS[name], self.unary[name], request, context)

    def stream(
        self, name: str, request: Message, context: RpcContext
    ) -> AsyncGenerator[Message, None]:
        """Yields the answers of a method that has several."""
        return self._guard.streaming(RPCS[name], self.streaming[name], request, context)
