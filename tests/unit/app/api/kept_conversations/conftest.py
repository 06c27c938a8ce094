"""A service that keeps conversations, in SQLite, for each of several callers."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.datastructures import Headers

from app.access.principals import Authenticator
from app.api.application import create_app
from app.cache.response_cache import ResponseCache
from app.cache.stores.sqlite_store import SqliteStore
from app.conversations.conversations import Conversations
from app.conversations.eraser import Eraser
from app.conversations.places import places_of
from app.gateway import make_gateway
from app.idempotency.requests import IdempotentRequests
from app.releases.releases import Releases
from app.request.principal import Principal
from app.settings.cold.cache import ReleaseCache
from app.settings.cold.gateway import GatewayArgs
from app.settings.live.conversations import ConversationSettings
from app.settings.live.gateway import GatewayLive
from app.telemetry.requests import FinishedRequest, Telemetry
from deployments.contracts.calls import CallContext
from deployments.contracts.erasure import ErasureScope
from deployments.contracts.errors import RagError
from deployments.contracts.tenants import Erased
from deployments.conversations.deletions import DeletionStore
from deployments.conversations.store import ConversationStore
from deployments.idempotency.store import IdempotencyStore
from tests.doubles import DoubleDirectory
from tests.unit.app.conftest import LIVE

CAPITAL = "What is the capital of France?"
PEOPLE = {
    "alice": Principal("acme", "key_alice"),
    "admin": Principal("acme", "key_admin", scopes=frozenset({"query", "admin"})),
    "bob": Principal("acme", "key_bob"),
    "eve": Principal("beta", "key_eve"),
    "": Principal(),
}
DOCUMENTS = [
    {"id": "paris", "path": "geo/paris.md", "text": "Paris is the capital of France."},
    {"id": "tokyo", "path": "geo/tokyo.md", "text": "Tokyo is the capital of Japan."},
]
Connect = Callable[[str], httpx.AsyncClient]


class Heard:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.requests: list[FinishedRequest] = []

    def take(self, request: FinishedRequest) -> None:
        self.requests.append(request)


class ByName(Authenticator):
    """Whoever asks is whom the table has under their key."""

    async def identify(self, headers: Headers) -> Principal:
        return PEOPLE[headers.get("authorization", "").removeprefix("Bearer ")]


class Records:
    """A tracker that says of a deletion what a test wants, and remembers what it was asked."""

    def __init__(self) -> None:
        self.failure: RagError | None = None
        self.traces = 0
        self.asked: list[ErasureScope] = []

    async def erase_samples(self, scope: ErasureScope, *, call: CallContext) -> Erased:
        return Erased({"queries": 0})

    async def erase_assessments(self, scope: ErasureScope, *, call: CallContext) -> Erased:
        return Erased({"assessments": 0})

    async def erase_traces(self, scope: ErasureScope, *, call: CallContext) -> Erased:
        self.asked.append(scope)
        if self.failure is not None:
            raise self.failure
        taken = min(self.traces, 2)
        self.traces -= taken
        return Erased({"traces": taken}, is_done=taken < 2)


class Service:
    """The service and what it is made of; `now_s` is its clock."""

    def __init__(self, folder: Path, stages: DoubleDirectory, args: GatewayArgs) -> None:
        self.live = live()
        self.now_s = 1_800_000_000.0
        self.stages = stages
        self.heard = Heard()
        self.store = ConversationStore(f"sqlite:///{folder / 'control.db'}")
        self.store.upgrade()
        self.kept = Conversations(
            self.store, lambda: self.live.conversations, now=lambda: self.now_s
        )
        self.cache = ResponseCache(
            SqliteStore(folder / "cache.db", max_bytes=10**7, tenant_bytes=10**7)
        )
        self.answers = IdempotencyStore(f"sqlite:///{folder / 'control.db'}")
        self.idempotent = IdempotentRequests(self.answers, b"secret", kept_s=60, max_detached=2)
        self.tracker = Records()
        self.eraser = Eraser(
            DeletionStore(f"sqlite:///{folder / 'control.db'}"),
            places_of(
                self.kept,
                answers=self.answers,
                cache=self.cache,
                tracker=self.tracker,  # type: ignore[arg-type]
            ),
            late_s=60,
            now=lambda: self.now_s,
        )
        gateway = make_gateway(
            Releases(stages, lambda: self.live),
            args,
            telemetry=Telemetry([self.heard]),
            authenticator=ByName(),
            conversations=self.kept,
            eraser=self.eraser,
            idempotent=self.idempotent,
            cache=self.cache,
        )
        self.app = create_app(gateway, args)
        self._clients: list[httpx.AsyncClient] = []

    def client(self, name: str = "alice") -> httpx.AsyncClient:
        """Returns a client of somebody in the table."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        headers = {"Authorization": f"Bearer {name}"} if name else {}
        self._clients.append(
            httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)
        )
        return self._clients[-1]

    def use(self, **changes: Any) -> None:
        """Changes the settings of conversations."""
        self.live = live(**changes)

    async def settle(self) -> None:
        """Waits for what is written down after answers have gone out."""
        await self.idempotent.close(10)
        await self.kept.close(10)

    async def close(self) -> None:
        for client in self._clients:
            await client.aclose()
        await self.kept.close(5)
        self.store.close()
        self.answers.close()


def live(**changes: Any) -> GatewayLive:
    """Returns settings that keep conversations, with a response cache."""
    one = LIVE.releases["one"].model_copy(update={"cache": ReleaseCache(answer=True)})
    settings = ConversationSettings(**({"enabled": True} | changes))
    return LIVE.model_copy(
        update={"conversations": settings, "releases": {**LIVE.releases, "one": one}}
    )


@pytest.fixture
def args() -> GatewayArgs:
    return GatewayArgs(request_timeout_s=30)


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine takes longer than a service may wait."""
    monkeypatch.setattr("app.cache.response_cache._LOOKUP_S", 10.0)


@pytest.fixture
async def service(
    tmp_path: Path, stages: DoubleDirectory, args: GatewayArgs
) -> AsyncIterator[Service]:
    made = Service(tmp_path, stages, args)
    async with made.cache.running():
        for name in ("alice", "eve"):
            loaded = await made.client(name).post("/v1/documents", json={"documents": DOCUMENTS})
            assert loaded.status_code == 200, loaded.text
        yield made
        await made.close()


@pytest.fixture
def alice(service: Service) -> httpx.AsyncClient:
    return service.client()


async def begun(client: httpx.AsyncClient, **fields: Any) -> str:
    """Returns the id of a new conversation."""
    answer = await client.post("/v1/conversations", json=fields)
    assert answer.status_code == 201, answer.text
    id: str = answer.json()["id"]
    return id


async def ask(client: httpx.AsyncClient, id: str, text: str = CAPITAL, **fields: Any) -> Any:
    """Returns the answer to a question in a conversation."""
    answer = await client.post("/v1/query", json={"query": text, "conversation_id": id} | fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def messages(client: httpx.AsyncClient, id: str, **query: Any) -> list[dict[str, Any]]:
    """Returns the messages of a conversation."""
    answer = await client.get(f"/v1/conversations/{id}/messages", params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found
