"""A gateway with a response cache over doubles, for the tests of this folder."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.answering.ask import Ask, from_documents
from app.answering.question import Question
from app.answering.written import AnswerStream
from app.cache.response_cache import ResponseCache
from app.cache.stores.sqlite_store import SqliteStore
from app.dispatch.dispatcher import Served
from app.gateway import Gateway, make_gateway
from app.releases.assignment import Assignment
from app.releases.releases import Releases
from app.request.principal import Principal
from app.request.scope import RequestScope
from app.settings.cold.cache import ReleaseCache
from app.settings.cold.gateway import GatewayArgs
from app.settings.live.gateway import GatewayLive
from app.settings.live.recording import Recording
from app.settings.live.release import Release
from deployments.canary.policy import Policy
from deployments.canary.rollout import Shares
from deployments.contracts.calls import CallContext
from deployments.contracts.documents import Document, Part
from deployments.contracts.generation import Sampling, collect
from deployments.contracts.tenants import Access
from deployments.rollouts import ActiveRollout, TrafficPlan
from tests.doubles import DoubleDirectory
from tests.unit.app.dispatch.test_dispatcher import Notes

ACME = Principal(tenant="acme", key_id="0123456789ab")


QUESTION = Question("What is the capital of France?")


CITED = Question("What is the capital of France? Paris is. [1]")


"""The double of a language model writes its prompt, and so cites the source."""


BOTH = ReleaseCache(generation=True, answer=True)


ANSWER = ReleaseCache(answer=True)


GENERATION = ReleaseCache(generation=True)
SMALL = Sampling(temperature=0.0)


def live(cache: ReleaseCache, recording: Recording | None = None) -> GatewayLive:
    base = Release(
        retrieval="r", generator=("g",), min_relevance_score=0.1, rerank_weight=1.0, cache=cache
    )
    releases = {
        "stable": base,
        "canary": base.model_copy(update={"top_n": 4}),
        "echo": base.model_copy(update={"generator": ("echo",)}),
    }
    return GatewayLive(
        releases=releases, traffic={"stable": 1.0}, recording=recording or Recording()
    )


@dataclass
class Service:
    """A gateway with a cache over doubles."""

    path: Path
    stages: DoubleDirectory = field(default_factory=DoubleDirectory)
    notes: Notes = field(default_factory=Notes)
    settings: GatewayLive = field(default_factory=lambda: live(BOTH))

    def __post_init__(self) -> None:
        self.store = SqliteStore(self.path, max_bytes=10**7, tenant_bytes=10**7)
        self.cache = ResponseCache(self.store)
        self.gateway: Gateway = make_gateway(
            Releases(self.stages, lambda: self.settings, TrafficPlan),
            GatewayArgs(),
            observer=self.notes,
            cache=self.cache,
        )

    async def write(self, text: str, name: str = "paris", tenant: str = "acme") -> None:
        call = CallContext("id", 5.0, access=Access(tenant))
        document = Document(name, f"{name}.md", name, (Part(text),), acl=None)
        await self.stages.indexer.ingest([document], (), call=call)

    async def begin(
        self,
        question: Question | Ask = QUESTION,
        *,
        principal: Principal = ACME,
        assignment: Assignment | None = None,
        whole: bool = True,
        **notes: Any,
    ) -> tuple[Served[AnswerStream], RequestScope]:
        ask = from_documents(question) if isinstance(question, Question) else question
        scope = RequestScope("id", asyncio.get_running_loop().time() + 5.0, principal=principal)
        scope.notes.key_id = principal.key_id
        for name, value in notes.items():
            setattr(scope.notes, name, value)
        served = await self.gateway.dispatcher.begin(
            ask, assignment or Assignment("stable"), scope, timeout_s=5.0, whole=whole
        )
        return served, scope

    async def ask(self, question: Question | Ask = QUESTION, **how: Any) -> RequestScope:
        """Returns the request after its answer was read."""
        served, scope = await self.begin(question, **how)
        await collect(served.value.events)
        return scope

    async def outcome(self, question: Question | Ask = QUESTION, **how: Any) -> str:
        """Returns what became of a request: the outcome and the level."""
        note = (await self.ask(question, **how)).notes.cache
        return "" if note is None else f"{note.outcome} {note.level}".strip()


def in_rollout(arm: Any, *, shadow: bool = False) -> Assignment:
    shares = Shares(baseline=0.5, shadow=0.5) if shadow else Shares(0.5, 0.5)
    rollout = ActiveRollout("r", "stable", "canary", 0, shares, 0.0, Policy())
    release = "canary" if arm == "canary" and not shadow else "stable"
    return Assignment(release, "someone", rollout, arm)
