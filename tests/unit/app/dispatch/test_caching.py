"""Answers that are given again: to whom, when, and what it says of releases."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import pytest

from app.answering.ask import Ask, from_documents, from_generator
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
from app.settings.cache import ReleaseCache
from app.settings.gateway import GatewayArgs
from app.settings.live import GatewayLive
from app.settings.recording import Recording
from app.settings.release import Release
from deployments.canary.policy import Policy
from deployments.canary.rollout import Shares
from deployments.contracts.calls import CallContext
from deployments.contracts.documents import Document, Part
from deployments.contracts.errors import StageFailed, Unavailable
from deployments.contracts.generation import (
    Generation,
    GenerationRequest,
    Message,
    Sampling,
    Started,
    TextDelta,
    collect,
)
from deployments.contracts.search import Calibration
from deployments.contracts.tenants import Access
from deployments.contracts.tools import Tool, ToolUse
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


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine takes longer than a service may wait."""
    monkeypatch.setattr("app.cache.response_cache._LOOKUP_S", 10.0)


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    made = Service(tmp_path / "cache.db")
    await made.write("Paris is the capital of France.")
    async with made.cache.running():
        yield made


async def test_an_equal_question_has_the_same_answer_without_any_stage(service: Service) -> None:
    fresh, scope = await service.begin()
    first = await collect(fresh.value.events)
    assert (scope.notes.cache and scope.notes.cache.outcome) == "miss"
    calls = service.stages.embedder.calls, len(service.stages.generation.asked)
    again, other = await service.begin(Question("Please, what's THE capital of france"))
    second = await collect(again.value.events)
    assert (service.stages.embedder.calls, len(service.stages.generation.asked)) == calls
    assert (second.text, second.citations, second.model) == (
        *(first.text, first.citations),
        first.model,
    )
    assert (second.prompt, second.grounded) == (first.prompt, first.grounded)
    assert (second.prompt_tokens, second.cached_tokens) == (
        first.prompt_tokens,
        first.prompt_tokens,
    )
    assert [hit.chunk.text for hit in again.value.sources] == [
        hit.chunk.text for hit in fresh.value.sources
    ]
    note = other.notes.cache
    assert note is not None
    assert (note.outcome, note.level, note.trace_id) == ("hit", "answer", scope.trace.trace_hex)
    assert len(note.key) == 12
    assert other.notes.cost_usd() == 0
    assert other.notes.generations() == ()
    assert again.release == "stable"


async def test_a_hit_is_streamed_in_pieces(service: Service) -> None:
    text = " ".join(f"The capital of France is Paris {place}." for place in range(6))
    await service.write(text)
    service.settings = live(ReleaseCache(answer=True, sampling="any"))
    assignment = Assignment("echo")
    long = Question("What is " + "the capital of France " * 10 + "Paris is. [1]")
    await service.ask(long, assignment=assignment)
    served, scope = await service.begin(long, assignment=assignment, whole=False)
    assert scope.notes.is_cache_hit
    batches = [batch async for batch in served.value.events]
    events = [event for batch in batches for event in batch]
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Generation)
    pieces = [event for event in events if isinstance(event, TextDelta)]
    assert len(pieces) > 3
    assert "".join(piece.text for piece in pieces) == events[-1].text
    assert sum(piece.completion_tokens for piece in pieces) == events[-1].completion_tokens
    told = [citation for piece in pieces for citation in piece.citations]
    assert sorted(told, key=str) == sorted(events[-1].citations, key=str)


async def test_a_write_of_the_tenant_makes_a_miss_and_one_of_another_does_not(
    service: Service,
) -> None:
    assert await service.outcome() == "miss answer"
    await service.write("Tokyo is a city.", "tokyo", tenant="other")
    assert await service.outcome() == "hit answer"
    await service.write("Paris is the capital of France, and Lyon is not.")
    served, scope = await service.begin()
    assert "Lyon" in (await collect(served.value.events)).text
    assert (scope.notes.cache and scope.notes.cache.outcome) == "miss"
    service.stages.retriever.calibration = Calibration(0.1, "r", 1, 1, 1, 1, 1.0, 1.0, "2026")
    assert (await service.outcome()).startswith(("miss", "hit generation"))


async def test_an_answer_made_during_a_write_is_kept_for_who_asks_after_it(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.settings = live(ANSWER)
    state = service.stages.retriever.generation

    async def later(*, call: CallContext) -> str:
        known = await state(call=call)
        await service.write("Paris is the capital of France since 987.")
        return known

    monkeypatch.setattr(service.stages.retriever, "generation", later)
    assert await service.outcome() == "miss answer"
    monkeypatch.undo()
    served, scope = await service.begin()
    assert scope.notes.is_cache_hit
    assert "987" in (await collect(served.value.events)).text


async def test_the_generator_alone_is_spared_where_only_its_texts_are_kept(
    service: Service,
) -> None:
    service.settings = live(GENERATION)
    assert await service.outcome() == "miss generation"
    embedded, written = service.stages.embedder.calls, len(service.stages.generation.asked)
    assert await service.outcome() == "hit generation"
    assert len(service.stages.generation.asked) == written
    assert service.stages.embedder.calls == embedded + 1
    await service.write("Paris is the capital of France, and Lyon is not.")
    assert await service.outcome() == "miss generation"


SMALL = Sampling(temperature=0.0)


@pytest.mark.parametrize(
    ("sampling", "how", "outcome"),
    [
        (Sampling(), "deterministic", "bypass"),
        (Sampling(temperature=0.7), "deterministic", "bypass"),
        (Sampling(temperature=0.7, seed=3), "deterministic", "hit answer"),
        (SMALL, "deterministic", "hit answer"),
        (Sampling(), "any", "hit answer"),
        (Sampling(temperature=0.0, top_logprobs=2), "any", "bypass"),
    ],
)
async def test_what_is_drawn_anew_each_time_is_not_kept(
    service: Service, sampling: Sampling, how: Any, outcome: str
) -> None:
    service.settings = live(ReleaseCache(answer=True, generation=True, sampling=how))
    question = replace(CITED, sampling=sampling)
    echo = Assignment("echo")
    await service.ask(question, assignment=echo)
    assert await service.outcome(question, assignment=echo) == outcome


async def test_nothing_is_kept_unless_a_release_says_so(service: Service) -> None:
    service.settings = live(ReleaseCache())
    assert [await service.outcome() for _ in range(2)] == ["", ""]


CHANGES: dict[str, Any] = {
    "text": "What is the capital of Japan?",
    "messages": (Message("user", "Hm?"), Message("assistant", "Yes?"), Message("user", "France?")),
    "sampling": Sampling(temperature=0.0, max_tokens=300),
    "queries": ("Which city is it?",),
    "mode": "dense",
    "top_k": 7,
    "top_n": 3,
    "rerank": False,
    "where": {"path": "paris.md"},
    "min_relevance": 0.2,
    "tools": ToolUse((Tool("f"),), "none"),
    "is_written": True,
    "conditions": {"path": {"$ne": "x"}},
}


def test_every_field_of_a_question_is_tried() -> None:
    assert CHANGES.keys() == {one.name for one in fields(Question)}


@pytest.mark.parametrize("name", CHANGES)
async def test_another_question_is_a_miss(service: Service, name: str) -> None:
    service.settings = live(ANSWER)
    await service.ask()
    changed = replace(QUESTION, **{name: CHANGES[name]})
    assert await service.outcome(changed) == "miss answer"
    assert await service.outcome() == "hit answer"


async def test_nobody_has_the_answer_of_another_tenant_group_or_release(service: Service) -> None:
    service.settings = live(ANSWER)
    legal = replace(ACME, groups=frozenset({"legal", "board"}))
    await service.write("Paris is the capital of France.", tenant="other")
    asked: list[dict[str, Any]] = [
        {},
        {"principal": replace(ACME, tenant="other")},
        {"principal": legal},
        {"principal": replace(ACME, groups=frozenset({"legal"}))},
        {"principal": replace(ACME, groups=frozenset())},
        {"assignment": Assignment("canary")},
    ]
    assert {await service.outcome(**how) for how in asked} == {"miss answer"}
    assert {await service.outcome(**how) for how in asked} == {"hit answer"}
    same = replace(legal, groups=frozenset(["board", "legal"]), key_id="ffffffffffff")
    assert await service.outcome(principal=same) == "hit answer"


async def test_other_parameters_of_the_release_or_its_generator_are_a_miss(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.settings = live(ANSWER)
    await service.ask()
    stable = service.settings.releases["stable"]
    changed = stable.model_copy(update={"min_relevance_score": 0.11})
    service.settings = service.settings.model_copy(update={"releases": {"stable": changed}})
    assert await service.outcome() == "miss answer"
    service.settings = live(ReleaseCache(answer=True, ttl_s=60))
    assert await service.outcome() == "hit answer", "settings of the cache change no answer"
    monkeypatch.setattr(service.stages.generation, "model", "extractive-2")
    assert await service.outcome() == "miss answer"


async def test_a_newer_policy_of_moderation_is_a_miss(service: Service) -> None:
    settings = live(ANSWER)
    for term in ("gadzooks", "forsooth"):
        moderation = {
            "blocklists": {"words": {"terms": [term]}},
            "policies": {"house": {"output": {"blocklist": ["words"]}}},
            "default": "house",
        }
        service.settings = GatewayLive.model_validate(
            {**settings.model_dump(), "moderation": moderation}
        )
        assert await service.outcome() == "miss answer"
        assert await service.outcome() == "hit answer"


async def test_what_has_no_support_or_went_without_a_stage_is_not_kept(service: Service) -> None:
    service.settings = live(ANSWER)
    unknown = Question("Who invented the zeppelin airship?")
    assert [await service.outcome(unknown) for _ in range(2)] == ["miss answer"] * 2
    service.stages.reranker.failure = StageFailed("broken")
    assert [await service.outcome() for _ in range(2)] == ["miss answer"] * 2
    service.stages.reranker.failure = None
    assert await service.outcome() == "miss answer"


async def test_a_cut_answer_is_not_kept(service: Service) -> None:
    service.settings = live(BOTH)
    cut = replace(CITED, sampling=Sampling(temperature=0.0, max_tokens=2))
    echo = Assignment("echo")
    outcomes = [await service.outcome(cut, assignment=echo) for _ in range(2)]
    assert all(outcome.startswith("miss") for outcome in outcomes)


@pytest.mark.parametrize(
    "notes", [{"cache_wish": "bypass"}, {"trace_wish": "none"}], ids=lambda notes: next(iter(notes))
)
async def test_a_client_may_want_nothing_of_it(service: Service, notes: dict[str, Any]) -> None:
    assert [await service.outcome(**notes) for _ in range(2)] == ["bypass", "bypass"]
    assert await service.outcome() == "miss answer"
    assert await service.outcome(**notes) == "bypass"


async def test_a_client_may_have_the_answer_written_anew(service: Service) -> None:
    service.settings = live(ANSWER)
    await service.ask()
    calls = len(service.stages.generation.asked)
    assert await service.outcome(cache_wish="refresh") == "miss answer"
    assert len(service.stages.generation.asked) == calls + 1
    assert await service.outcome() == "hit answer"


async def test_an_operators_release_is_asked_itself(service: Service) -> None:
    forced = Assignment("stable", is_forced=True)
    assert await service.outcome(assignment=forced) == "bypass"
    assert await service.outcome() == "miss answer"


@pytest.mark.parametrize("policy", ["hash", "none"])
async def test_texts_that_are_not_recorded_are_not_kept(service: Service, policy: Any) -> None:
    recording = Recording(content_by_key={ACME.key_id: policy})
    service.settings = live(BOTH, recording)
    assert [await service.outcome() for _ in range(2)] == ["bypass", "bypass"]
    service.settings = live(BOTH.model_copy(update={"unrecorded_keys": "use"}), recording)
    assert [await service.outcome() for _ in range(2)] == ["miss answer", "hit answer"]


def in_rollout(arm: Any, *, shadow: bool = False) -> Assignment:
    shares = Shares(baseline=0.5, shadow=0.5) if shadow else Shares(0.5, 0.5)
    rollout = ActiveRollout("r", "stable", "canary", 0, shares, 0.0, Policy())
    release = "canary" if arm == "canary" and not shadow else "stable"
    return Assignment(release, "someone", rollout, arm)


@pytest.mark.parametrize("arm", ["canary", "baseline"])
async def test_who_is_compared_is_answered_anew(service: Service, arm: Any) -> None:
    assigned = in_rollout(arm)
    outcomes = [await service.outcome(assignment=assigned) for _ in range(2)]
    assert outcomes == ["bypass", "bypass"]
    assert len(service.notes.seen) == 2


@pytest.mark.parametrize("cache", [ANSWER, GENERATION], ids=["answer", "generation"])
@pytest.mark.parametrize("arm", ["canary", "baseline"])
async def test_a_hit_is_evidence_in_no_arm(service: Service, arm: Any, cache: ReleaseCache) -> None:
    service.settings = live(cache.model_copy(update={"during_rollout": "use"}))
    assigned = in_rollout(arm)
    outcomes = [(await service.outcome(assignment=assigned)).split()[0] for _ in range(3)]
    assert outcomes == ["miss", "hit", "hit"]
    assert len(service.notes.seen) == 1


async def test_a_hit_is_not_repeated_in_shadow(service: Service) -> None:
    service.settings = live(ANSWER.model_copy(update={"during_rollout": "use"}))
    assigned = in_rollout("canary", shadow=True)
    assert await service.outcome(assignment=assigned) == "miss answer"
    await service.gateway.dispatcher.close(5.0)
    seen = len(service.notes.seen)
    assert seen == 2
    assert await service.outcome(assignment=assigned) == "hit answer"
    await service.gateway.dispatcher.close(5.0)
    assert len(service.notes.seen) == seen


@pytest.mark.parametrize("cache", [BOTH, ANSWER, GENERATION], ids=["both", "answer", "generation"])
async def test_of_a_hundred_equal_questions_at_once_the_model_is_asked_one(
    service: Service, cache: ReleaseCache
) -> None:
    service.settings = live(cache)
    outcomes = await asyncio.gather(*(service.outcome() for _ in range(100)))
    assert len(service.stages.generation.asked) == 1
    assert sorted({outcome.split()[0] for outcome in outcomes}) == ["hit", "miss"]
    assert sum(outcome.startswith("miss") for outcome in outcomes) == 1


async def test_refusals_at_once_do_not_wait_for_each_other(service: Service) -> None:
    service.settings = live(ANSWER)
    unknown = Question("Who invented the zeppelin airship?")
    async with asyncio.timeout(5):
        await asyncio.gather(*(service.ask(unknown) for _ in range(20)))
    assert len(service.stages.generation.asked) == 20


async def test_who_leaves_takes_nothing_from_the_others(service: Service) -> None:
    service.settings = live(GENERATION.model_copy(update={"sampling": "any"}))
    gate = service.stages.echo.engine.gate = asyncio.Event()
    echo = Assignment("echo")
    first, second, third = (
        asyncio.create_task(service.outcome(CITED, assignment=echo)) for _ in range(3)
    )
    await asyncio.sleep(0.05)
    second.cancel()
    await asyncio.sleep(0.01)
    gate.set()
    assert await first == "miss generation"
    assert await third == "hit generation"
    assert len(service.stages.echo.engine.prompts) == 1


@pytest.mark.parametrize("ends", ["fails", "leaves"])
async def test_where_the_first_one_has_no_answer_the_next_one_works(
    service: Service, ends: str
) -> None:
    service.settings = live(ReleaseCache(answer=True, sampling="any"))
    engine = service.stages.echo.engine
    gate = engine.gate = asyncio.Event()
    echo = Assignment("echo")
    first = asyncio.create_task(service.outcome(CITED, assignment=echo))
    await asyncio.sleep(0.05)
    others = [asyncio.create_task(service.outcome(CITED, assignment=echo)) for _ in range(5)]
    await asyncio.sleep(0.05)
    assert len(engine.prompts) == 1
    if ends == "fails":
        engine.fails_after = 0
        gate.set()
        with pytest.raises(StageFailed):
            await first
        engine.fails_after = None
    else:
        first.cancel()
        gate.set()
    outcomes = [await other for other in others]
    assert sorted(outcomes) == [*["hit answer"] * 4, "miss answer"]
    assert len(engine.prompts) == 2


async def test_a_stream_that_is_left_is_not_kept(service: Service) -> None:
    service.settings = live(ReleaseCache(answer=True, generation=True, sampling="any"))
    echo = Assignment("echo")
    served, _ = await service.begin(CITED, assignment=echo, whole=False)
    await served.value.events.aclose()
    assert (await service.outcome(CITED, assignment=echo)).startswith("miss")


async def test_the_store_away_is_a_miss(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    await service.ask()
    assert await service.outcome() == "hit answer", "it is kept: the writer's thread is done"
    service.store.close()
    monkeypatch.setattr(service.store._file, "path", Path("/proc/none/cache.db"))
    for _ in range(5):
        assert await service.outcome() == "miss answer"
    assert service.cache.counts().is_away
    with pytest.raises(Unavailable):
        await service.cache.forget_tenant("acme")


async def test_a_retriever_that_does_not_say_its_state_is_searched(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.settings = live(ANSWER)

    async def broken(*, call: CallContext) -> str:
        raise Unavailable("It is away.", "retriever")

    monkeypatch.setattr(service.stages.retriever, "generation", broken)
    assert [await service.outcome() for _ in range(2)] == ["bypass", "bypass"]


async def test_an_older_state_is_believed_as_long_as_the_release_says(service: Service) -> None:
    service.settings = live(ReleaseCache(answer=True, max_stale_s=60))
    await service.ask()
    await service.write("Paris is the capital of France, and Lyon is not.")
    assert await service.outcome() == "hit answer"
    service.settings = live(ANSWER)
    assert await service.outcome() == "miss answer"


@pytest.mark.parametrize("what", ["document", "user", "tenant"])
async def test_what_is_deleted_is_not_given_again(service: Service, what: str) -> None:
    service.settings = live(GENERATION)
    await service.ask(user="zoe")
    assert await service.outcome() == "hit generation"
    gone = {
        "document": lambda: service.cache.forget_documents("acme", ["paris"]),
        "user": lambda: service.cache.forget_user("acme", "zoe"),
        "tenant": lambda: service.cache.forget_tenant("acme"),
    }
    assert await gone[what]() == 1
    assert await service.outcome() == "miss generation"


async def test_a_chat_of_one_question_shares_with_a_query_and_one_of_several_is_exact(
    service: Service,
) -> None:
    service.settings = live(ANSWER)
    await service.ask()
    chat = replace(QUESTION, messages=(Message("user", QUESTION.text),))
    assert await service.outcome(chat) == "hit answer"
    turns = (Message("user", "Hello"), Message("assistant", "Yes?"), Message("user", QUESTION.text))
    assert await service.outcome(replace(QUESTION, messages=turns)) == "miss answer"
    shouted = (*turns[:2], Message("user", QUESTION.text.upper()))
    assert await service.outcome(replace(QUESTION, messages=shouted)) == "miss answer"
    assert await service.outcome(replace(QUESTION, messages=turns)) == "hit answer"


async def test_a_chat_without_documents_is_kept_by_its_prompt(service: Service) -> None:
    chat = from_generator(
        GenerationRequest(messages=(Message("user", "one two three"),), sampling=SMALL)
    )
    echo = Assignment("echo")
    outcomes = [await service.outcome(chat, assignment=echo) for _ in range(2)]
    assert outcomes == ["miss generation", "hit generation"]
