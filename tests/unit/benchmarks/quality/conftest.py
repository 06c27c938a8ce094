"""The real application over doubles, behind a real socket."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn

from app.api.application import create_app
from app.gateway import make_gateway
from app.releases.releases import Releases
from app.settings.cold.gateway import GatewayArgs
from app.settings.live.gateway import GatewayLive
from app.settings.live.release import Release
from tests.doubles import DoubleDirectory

LIVE = GatewayLive(
    releases={
        "one": Release(retrieval="retrieval-a", generator=("generator-a",), min_relevance_score=0.0)
    },
    traffic={"one": 1.0},
)


@pytest.fixture
def stages() -> DoubleDirectory:
    return DoubleDirectory()


@pytest.fixture
async def url(stages: DoubleDirectory) -> AsyncIterator[str]:
    args = GatewayArgs()
    app = create_app(make_gateway(Releases(stages, lambda: LIVE), args), args)
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", ws="none"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        await serving
