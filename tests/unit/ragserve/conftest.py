"""The application over doubles, behind a real HTTP server: what a client meets."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from fastapi import FastAPI

from app.api.application import create_app
from app.batches.runner import BatchRunner
from app.gateway import make_gateway
from app.releases.releases import Releases
from app.settings.cold.batches import BatchWorkArgs
from app.settings.cold.gateway import GatewayArgs
from app.telemetry.requests import Telemetry
from deployments.batches.deployment import BatchKeeper
from tests.doubles import DoubleDirectory
from tests.unit.app.conftest import LIVE

ADMIN_KEY = "the-key"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    args = GatewayArgs(request_timeout_s=5)
    releases = Releases(DoubleDirectory(), lambda: LIVE)
    database = tmp_path_factory.mktemp("control") / "control.db"
    keeper = BatchKeeper({"database_url": f"sqlite:///{database}"})
    gateway = make_gateway(
        releases, args, telemetry=Telemetry([]), batches=keeper, admin_key=ADMIN_KEY
    )

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        runner = BatchRunner(
            *(keeper, app, lambda: (0, 99.0), BatchWorkArgs()),
            name="one",
            principal_of=gateway.authenticator.of_key,
        )
        runner.begin()
        yield
        await runner.close()

    listener = socket.create_server(("127.0.0.1", 0))
    app = create_app(gateway, args, lifespan=running)
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))

    def serve() -> None:
        asyncio.run(server.serve(sockets=[listener]))

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()
    keeper.close()
