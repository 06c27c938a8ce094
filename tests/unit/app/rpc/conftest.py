"""Calls over doubles, without Ray Serve and without a socket."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from google.protobuf.message import Message
from grpc import StatusCode
from starlette.datastructures import Headers

from app.access.principals import Authenticator
from app.api.application import make_entrance
from app.edge.entrance import Entrance
from app.gateway import Gateway, make_gateway
from app.limits.limiter import Limiter
from app.releases.releases import Releases
from app.request.principal import Principal
from app.rpc.calls import needs_by_path
from app.rpc.services import RpcServices
from app.settings.cold.gateway import GatewayArgs
from app.settings.live.gateway import GatewayLive
from app.telemetry.requests import FinishedRequest, Telemetry
from deployments.access.records import Limits, Scope
from deployments.contracts.errors import Unauthorized
from ragserve.v1 import rag_pb2
from tests.doubles import DoubleDirectory
from tests.unit.app.conftest import LIVE

NEAR = "ipv4:127.0.0.1:4711"
TEXTS = {
    "paris": "Paris is the capital of France.",
    "tokyo": "Tokyo is the capital of Japan.",
    "queue": "A full queue is answered with status 503.",
}


class Context:
    """What Ray Serve gives a method, and remembers of it."""

    def __init__(self, metadata: Sequence[tuple[str, str | bytes]] = (), peer: str = NEAR) -> None:
        self._metadata = list(metadata)
        self._peer = peer
        self.code: StatusCode | None = None
        self.details = ""
        self.trailers: dict[str, str] = {}

    def invocation_metadata(self) -> list[tuple[str, str | bytes]]:
        return self._metadata

    def peer(self) -> str:
        return self._peer

    def set_code(self, code: StatusCode) -> None:
        self.code = code

    def set_details(self, details: str) -> None:
        self.details = details

    def set_trailing_metadata(self, trailing_metadata: list[tuple[str, str]]) -> None:
        self.trailers = dict(trailing_metadata)

    @property
    def problem(self) -> dict[str, Any]:
        """What the status says, which is JSON."""
        found: dict[str, Any] = json.loads(self.details)
        return found


class Listener:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.heard: list[FinishedRequest] = []

    def take(self, request: FinishedRequest) -> None:
        self.heard.append(request)


def principal(*scopes: Scope, limits: Limits | None = None) -> Principal:
    """Whoever has a key with some scopes."""
    return Principal(key_id="key_1", scopes=frozenset(scopes), limits=limits or Limits())


class Table(Authenticator):
    """Knows keys by a table."""

    def __init__(self, known: dict[str, Principal]) -> None:
        super().__init__("required")
        self._known = known

    @property
    def has_operators(self) -> bool:
        return True

    async def identify(self, headers: Headers) -> Principal:
        key = headers.get("authorization", "").removeprefix("Bearer ")
        if key not in self._known:
            raise Unauthorized("Send an API key.")
        return self._known[key]


KEYS = {
    "reader": principal("query"),
    "writer": principal("ingest"),
    "operator": principal("operator"),
}


@dataclass
class Service:
    """What answers calls, and all that a test looks at."""

    rpc: RpcServices
    gateway: Gateway
    entrance: Entrance
    listener: Listener
    context: Context = field(default_factory=Context)

    async def call(self, name: str, request: Message, context: Context | None = None) -> Any:
        """Returns the answer of a method that has one."""
        self.context = context or Context()
        return await self.rpc.call(name, request, self.context)

    async def stream(
        self, name: str, request: Message, context: Context | None = None
    ) -> list[Any]:
        """Returns all answers of a method that has several."""
        self.context = context or Context()
        return [answer async for answer in self.rpc.stream(name, request, self.context)]


MakeService = Callable[..., Service]


@pytest.fixture
def make_service(stages: DoubleDirectory, args: GatewayArgs) -> MakeService:
    def make(
        *,
        authenticator: Authenticator | None = None,
        limiter: Limiter | None = None,
        live: GatewayLive = LIVE,
        args: GatewayArgs = args,
    ) -> Service:
        listener = Listener()
        gateway = make_gateway(
            Releases(stages, lambda: live),
            args,
            telemetry=Telemetry([listener]),
            authenticator=authenticator,
            limiter=limiter,
        )
        entrance = make_entrance(gateway, args, also=needs_by_path())
        return Service(RpcServices(entrance, gateway, args), gateway, entrance, listener)

    return make


@pytest.fixture
def service(make_service: MakeService) -> Service:
    """A service that asks for no keys, and knows nothing."""
    return make_service()


@pytest.fixture
async def loaded(service: Service) -> Service:
    """The same, which knows three documents."""
    documents = [
        rag_pb2.Document(id=name, path=f"{name}.md", text=text) for name, text in TEXTS.items()
    ]
    written = await service.call("PutDocuments", rag_pb2.PutDocumentsRequest(documents=documents))
    assert written.added == 3, service.context.details
    service.listener.heard.clear()
    return service
