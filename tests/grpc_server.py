"""The calls of a replica on a server of gRPC in this process, which stands for Ray Serve's."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf.message_factory import GetMessageClass

from app.rpc.calls import services
from app.rpc.services import RpcServices


@contextmanager
def serving(make: Callable[[], RpcServices]) -> Iterator[str]:
    """Gives the address of a server on a free port of this machine; `make` runs in its loop."""
    started: Future[str] = Future()
    loop = asyncio.new_event_loop()
    stopping = asyncio.Event()

    async def serve() -> None:
        server = grpc.aio.server()
        for handler in _handlers(make()):
            server.add_generic_rpc_handlers((handler,))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        started.set_result(f"grpc://127.0.0.1:{port}")
        await stopping.wait()
        await server.stop(0)

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        yield started.result(timeout=20)
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join()
        loop.close()


def _handlers(rpc: RpcServices) -> Iterator[Any]:
    for service in services():
        methods = {method.name: _handler(rpc, method) for method in service.methods}
        yield grpc.method_handlers_generic_handler(service.full_name, methods)


def _handler(rpc: RpcServices, method: Any) -> Any:
    reads = GetMessageClass(method.input_type).FromString
    writes = GetMessageClass(method.output_type).SerializeToString

    async def answer(request: Any, context: Any) -> Any:
        return await rpc.call(method.name, request, context)

    async def stream(request: Any, context: Any) -> Any:
        async for message in rpc.stream(method.name, request, context):
            yield message

    if method.server_streaming:
        return grpc.unary_stream_rpc_method_handler(stream, reads, writes)
    return grpc.unary_unary_rpc_method_handler(answer, reads, writes)
