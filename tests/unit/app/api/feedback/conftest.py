"""A service with two replicas over doubles, whose tracker keeps ratings in a real database."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.datastructures import Headers

from app.access.principals import Authenticator
from app.api.application import create_app
from app.conversations.conversations import Conversations
from app.conversations.eraser import Eraser
from app.conversations.places import places_of
from app.gateway import make_gateway
from app.releases.releases import Releases
from app.request.principal import Principal
from app.settings.cold.activity import ActivityArgs
from app.settings.cold.gateway import GatewayArgs
from app.settings.live.gateway import GatewayLive
from app.telemetry.activity.link import TrackerLink
from app.telemetry.activity.outbox import ActivityOutbox
from app.telemetry.metrics import RequestMetrics
from app.telemetry.requests import Telemetry
from deployments.access.records import Scope
from deployments.activity import ActivityReport
from deployments.assessments.contract import (
    AssessmentPage,
    AssessmentQuery,
    Feedback,
    KeptAssessment,
    ReleaseScore,
)
from deployments.assessments.store import AssessmentStore
from deployments.contracts.calls import CallContext
from deployments.contracts.erasure import ErasureScope
from deployments.contracts.errors import RagError
from deployments.contracts.tenants import Erased
from deployments.conversations.deletions import DeletionStore
from deployments.conversations.store import ConversationStore
from deployments.idempotency.store import IdempotencyStore
from deployments.ledger.store import Ledger
from tests.doubles import DoubleDirectory
from tests.recording_meter import RecordingMeter
from tests.unit.app.conftest import LIVE

EVERY_S = 0.05
SCOPED: frozenset[Scope] = frozenset({"query", "admin"})
PEOPLE = {
    "alice": Principal("acme", "key_alice"),
    "admin": Principal("acme", "key_admin", scopes=SCOPED),
    "legal": Principal("acme", "key_legal", scopes=SCOPED, groups=frozenset({"legal"})),
    "eve": Principal("beta", "key_eve", scopes=SCOPED),
    "ops": Principal("acme", "key_ops", scopes=frozenset({"operator"})),
}
DOCUMENTS = [{"id": "paris", "path": "geo.md", "text": "Paris is the capital of France."}]


class ByName(Authenticator):
    """Whoever asks is whom the table has under their key."""

    async def identify(self, headers: Headers) -> Principal:
        return PEOPLE[headers.get("authorization", "").removeprefix("Bearer ")]


class Tracker:
    """The tracker without Ray and MLflow."""

    def __init__(self, url: str) -> None:
        self.ledger, self.store = Ledger(url), AssessmentStore(url)
        self.ledger.upgrade()
        self.failure: RagError | None = None
        self.rated = 0
        self.asked: list[AssessmentQuery] = []

    async def take(self, report: ActivityReport, *, call: CallContext) -> None:
        self.ledger.take(report, now_s=time.time())

    async def rate(self, feedback: Feedback, *, call: CallContext) -> KeptAssessment:
        self.rated += 1
        if self.failure is not None:
            raise self.failure
        return self.store.rate(feedback)

    async def assessments(self, query: AssessmentQuery, *, call: CallContext) -> AssessmentPage:
        self.asked.append(query)
        return self.store.page(query)

    async def scores(
        self, *, tenant: str | None, since_s: float, call: CallContext
    ) -> Sequence[ReleaseScore]:
        return self.store.scores(tenant=tenant, since_s=since_s)

    async def erase_samples(self, scope: ErasureScope, *, call: CallContext) -> Erased:
        return Erased({"queries": self.ledger.erase(scope)})

    async def erase_traces(self, scope: ErasureScope, *, call: CallContext) -> Erased:
        return Erased()

    async def erase_assessments(self, scope: ErasureScope, *, call: CallContext) -> Erased:
        self.store.forget_answers(scope)
        found = self.store.of_scope(scope, limit=99)
        return Erased({"assessments": self.store.remove(found)})

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"nobody asks for {name}")


class Replica:
    """A gateway replica; it tells the tracker what it answered when a test says so, or when
    somebody rates an answer that the tracker does not know."""

    def __init__(self, name: str, service: "Service") -> None:
        self.outbox = ActivityOutbox(name, lambda: service.live, ActivityArgs())
        link = TrackerLink(service.tracker, self.outbox, replica=name, every_s=EVERY_S)  # type: ignore[arg-type]
        self.tell = link.exchange
        self.meter = RecordingMeter()
        args = GatewayArgs.model_validate({"activity": {"every_s": EVERY_S}})
        metrics = RequestMetrics(self.meter, lambda: service.live.prices)
        gateway = make_gateway(
            Releases(service.stages, lambda: service.live),
            args,
            telemetry=Telemetry([self.outbox.meter, metrics]),
            tracker=service.tracker,  # type: ignore[arg-type]
            authenticator=ByName(),
            eraser=service.eraser,
            tell=self.tell,
        )
        self.app = create_app(gateway, args)


class Service:
    """Two replicas and what they share."""

    def __init__(self, folder: Path) -> None:
        url = f"sqlite:///{folder / 'control.db'}"
        self.live: GatewayLive = LIVE
        self.stages = DoubleDirectory()
        self.tracker = Tracker(url)
        conversations = Conversations(ConversationStore(url), lambda: self.live.conversations)
        self.eraser = Eraser(
            DeletionStore(url),
            places_of(
                conversations,
                answers=IdempotencyStore(url),
                tracker=self.tracker,  # type: ignore[arg-type]
            ),
            late_s=60,
        )
        self.replicas = [Replica(name, self) for name in ("one", "two")]
        self._clients: list[httpx.AsyncClient] = []

    def client(self, who: str, *, replica: int = 0) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.replicas[replica].app, raise_app_exceptions=False)
        headers = {"Authorization": f"Bearer {who}"}
        self._clients.append(
            httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)
        )
        return self._clients[-1]

    async def close(self) -> None:
        for client in self._clients:
            await client.aclose()
        self.tracker.store.close()
        self.tracker.ledger.close()


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    made = Service(tmp_path)
    yield made
    await made.close()


async def ask(client: httpx.AsyncClient, **body: Any) -> str:
    """Asks, and returns the id that the answer has."""
    answer = await client.post("/v1/query", json={"query": "Capital of France?"} | body)
    assert answer.status_code == 200, answer.text
    await asyncio.sleep(0)
    return str(answer.json()["request_id"])


async def rate(client: httpx.AsyncClient, request_id: str, **body: Any) -> httpx.Response:
    """Rates an answer; by default with a thumb."""
    said = body if "score" in body else {"thumb": "down"} | body
    return await client.post("/v1/feedback", json={"request_id": request_id} | said)
