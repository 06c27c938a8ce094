"""The methods that Ray Serve looks for at the root deployment: one for each of the services', by
its name."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from google.protobuf.message import Message

from app.rpc.guard import RpcContext
from app.rpc.services import RpcServices


class RpcMethods:
    """What a deployment becomes a server of gRPC by; `rpc` is set before the first call."""

    rpc: RpcServices

    async def Query(self, request: Message, grpc_context: RpcContext) -> Message:
        return await self.rpc.call("Query", request, grpc_context)

    async def StreamQuery(
        self, request: Message, grpc_context: RpcContext
    ) -> AsyncGenerator[Message, None]:
        async with aclosing(self.rpc.stream("StreamQuery", request, grpc_context)) as events:
            async for event in events:
                yield event

    async def Search(self, request: Message, grpc_context: RpcContext) -> Message:
        return await self.rpc.call("Search", request, grpc_context)

    async def PutDocuments(self, request: Message, grpc_context: RpcContext) -> Message:
        return await self.rpc.call("PutDocuments", request, grpc_context)

    async def ListDocuments(self, request: Message, grpc_context: RpcContext) -> Message:
        return await self.rpc.call("ListDocuments", request, grpc_context)

    async def GetDocument(self, request: Message, grpc_context: RpcContext) -> Message:
        return await self.rpc.call("GetDocument", request, grpc_context)

    async def DeleteDocument(self, request: Message, grpc_context: RpcContext) -> Message:
        return await self.rpc.call("DeleteDocument", request, grpc_context)

    async def ServerLive(self, request: Message, grpc_context: RpcContext) -> Message:
        return await self.rpc.call("ServerLive", request, grpc_context)

    async def ServerReady(self, request: Message, grpc_context: RpcContext) -> Message:
        return await self.rpc.call("ServerReady", request, grpc_context)

    async def ModelReady(self, request: Message, grpc_context: RpcContext) -> Message:
        return await self.rpc.call("ModelReady", request, grpc_context)

    async def ServerMetadata(self, request: Message, grpc_context: RpcContext) -> Message:
        return await self.rpc.call("ServerMetadata", request, grpc_context)

    async def ModelMetadata(self, request: Message, grpc_context: RpcContext) -> Message:
        return await self.rpc.call("ModelMetadata", request, grpc_context)

    async def ModelInfer(self, request: Message, grpc_context: RpcContext) -> Message:
        return await self.rpc.call("ModelInfer", request, grpc_context)

    async def Check(self, request: Message, grpc_context: RpcContext) -> Message:
        return await self.rpc.call("Check", request, grpc_context)

    async def List(self, request: Message, grpc_context: RpcContext) -> Message:
        return await self.rpc.call("List", request, grpc_context)

    async def Watch(
        self, request: Message, grpc_context: RpcContext
    ) -> AsyncGenerator[Message, None]:
        async with aclosing(self.rpc.stream("Watch", request, grpc_context)) as statuses:
            async for status in statuses:
                yield status
