"""The application over doubles, behind a real HTTP server: what a client meets."""

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn

from app.api.application import create_app
from app.gateway import make_gateway
from app.releases.releases import Releases
from app.settings.gateway import GatewayArgs
from app.telemetry.requests import Telemetry
from tests.doubles import DoubleDirectory
from tests.unit.app.conftest import LIVE

ADMIN_KEY = "the-key"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    args = GatewayArgs(request_timeout_s=5)
    releases = Releases(DoubleDirectory(), lambda: LIVE)
    gateway = make_gateway(releases, args, telemetry=Telemetry([]), admin_key=ADMIN_KEY)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(gateway, args), log_level="critical"))

    def serve() -> None:
        asyncio.run(server.serve(sockets=[listener]))

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()
