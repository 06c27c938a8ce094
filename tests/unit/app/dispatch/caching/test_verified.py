"""An answer is given for the same question in other words, where a release wants that."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from app.answering.question import Question
from app.cache.response_cache import ResponseCache
from app.releases.assignment import Assignment
from app.settings.cold.cache import ReleaseCache
from deployments.contracts.errors import Unavailable
from deployments.contracts.generation import Message, collect
from deployments.contracts.search import Embedded
from tests.unit.app.dispatch.caching.service import ACME, ANSWER, Service, live

VERIFIED = ReleaseCache(answer=True, semantic="verified")
DIRECT = Question("What is the capital of France?")
INDIRECT = Question("Can you tell me what the capital of France is?")


@pytest.fixture(autouse=True)
def _verified(service: Service) -> None:
    service.settings = live(VERIFIED)


async def test_the_same_question_in_other_words_has_the_same_answer(service: Service) -> None:
    fresh, scope = await service.begin(DIRECT)
    first = await collect(fresh.value.events)
    written = len(service.stages.generation.asked)
    again, other = await service.begin(INDIRECT)
    second = await collect(again.value.events)
    assert second.text == first.text
    assert len(service.stages.generation.asked) == written
    note = other.notes.cache
    assert note is not None
    assert (note.outcome, note.level, note.match) == ("hit", "answer", "verified")
    assert note.trace_id == scope.trace.trace_hex
    assert other.notes.cost_usd() == 0


async def test_an_equal_question_is_an_exact_hit(service: Service) -> None:
    await service.ask(DIRECT)
    note = (await service.ask(Question("what's the capital of france"))).notes.cache
    assert note is not None
    assert note.match == "exact"


async def test_without_the_setting_it_is_another_question(service: Service) -> None:
    service.settings = live(ANSWER)
    await service.ask(DIRECT)
    assert await service.outcome(INDIRECT) == "miss answer"


@pytest.mark.parametrize(
    "text",
    [
        "What was the capital of France?",
        "What is not the capital of France?",
        "What is the capital of France 2?",
        "Where is the capital of France?",
        "What is the capital of Gaul?",
        "What is the France of capital?",
    ],
)
async def test_a_near_miss_is_a_miss(service: Service, text: str) -> None:
    await service.ask(DIRECT)
    assert await service.outcome(Question(text)) == "miss answer"


async def test_nobody_has_the_answer_of_another_tenant_group_release_or_state(
    service: Service,
) -> None:
    await service.write("Paris is the capital of France.", tenant="other")
    await service.ask(DIRECT)
    others: list[dict[str, Any]] = [
        {"principal": replace(ACME, tenant="other")},
        {"principal": replace(ACME, groups=frozenset({"legal"}))},
        {"assignment": Assignment("canary")},
    ]
    assert {await service.outcome(INDIRECT, **how) for how in others} == {"miss answer"}
    assert await service.outcome(replace(INDIRECT, top_n=2)) == "miss answer"
    await service.write("Paris is the capital of France, and Lyon is not.")
    assert await service.outcome(INDIRECT) == "miss answer"


async def test_a_conversation_has_to_be_equal(service: Service) -> None:
    turns = (Message("user", "Hm?"), Message("assistant", "Yes?"))
    await service.ask(replace(DIRECT, messages=(*turns, Message("user", DIRECT.text))))
    asked = replace(INDIRECT, messages=(*turns, Message("user", INDIRECT.text)))
    assert await service.outcome(asked) == "miss answer"


def compare_at(service: Service, monkeypatch: pytest.MonkeyPatch, cosine: float) -> list[list[str]]:
    """Has the embedder give two texts vectors of this cosine; returns what it is asked so."""
    asked: list[list[str]] = []
    before = service.stages.embedder.embed
    pair = np.array([[1.0, 0.0], [cosine, (1 - cosine**2) ** 0.5]], dtype=np.float32)

    async def embed(texts: Any, **options: Any) -> Embedded:
        if len(texts) != 2:
            return await before(texts, **options)
        asked.append(list(texts))
        return Embedded(pair, (1, 1))

    monkeypatch.setattr(service.stages.embedder, "embed", embed)
    return asked


@pytest.mark.parametrize(
    ("cosine", "least", "outcome"),
    [
        (0.89, 0.0, "miss answer"),
        (0.91, 0.0, "hit answer"),
        (0.95, 0.94, "hit answer"),
        (0.95, 0.97, "miss answer"),
        (0.95, 0.5, "hit answer"),
        (0.89, 0.5, "miss answer"),
    ],
)
async def test_the_vectors_must_be_near_too_and_a_client_may_want_them_nearer(
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    cosine: float,
    least: float,
    outcome: str,
) -> None:
    await service.ask(DIRECT)
    asked = compare_at(service, monkeypatch, cosine)
    assert await service.outcome(INDIRECT, cache_min_similarity=least) == outcome
    assert asked == [["what capital of france is", "what is capital of france"]]


async def test_without_the_embedder_it_is_a_miss(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    await service.ask(DIRECT)
    before, failures = service.stages.embedder.embed, []

    async def embed(texts: list[str], **options: Any) -> Embedded:
        if len(texts) == 2:
            failures.append(texts)
            raise Unavailable("It does not answer.", "embedder", 1.0)
        return await before(texts, **options)

    monkeypatch.setattr(service.stages.embedder, "embed", embed)
    assert await service.outcome(INDIRECT) == "miss answer"
    assert len(failures) == 1


async def test_a_miss_that_no_question_is_like_costs_the_embedder_nothing(
    service: Service,
) -> None:
    await service.ask(DIRECT)
    calls = service.stages.embedder.calls
    await service.ask(Question("Where is Paris?"))
    assert service.stages.embedder.calls == calls + 1, "its search alone"


@pytest.mark.parametrize(
    "forget",
    [
        lambda cache: cache.forget_documents("acme", ["paris"]),
        lambda cache: cache.forget_user("acme", "zoe"),
        lambda cache: cache.forget_conversation("acme", "conv_1"),
        lambda cache: cache.forget_tenant("acme"),
    ],
    ids=["document", "user", "conversation", "tenant"],
)
async def test_the_question_goes_with_its_answer(service: Service, forget: Any) -> None:
    await service.ask(DIRECT, user="zoe", conversation="conv_1")
    cache: ResponseCache = service.cache
    assert await forget(cache) == 1
    assert await service.outcome(INDIRECT) == "miss answer"
    assert b"capital of france" not in service.path.read_bytes().lower()


async def test_one_question_is_kept_for_all_that_ask_the_same(service: Service) -> None:
    """What is kept is bounded by what is answered: one candidate for each group."""
    for text in ("What is the capital of France?", "what exactly is the capital of France"):
        await service.ask(Question(text), cache_wish="refresh")
    await service.cache.find("acme", "none")  # what was to be written before it is there by now
    with service.store._file.transaction() as connection:
        [count] = connection.execute("SELECT count(*) FROM answers").fetchone()
    assert count == 3, "two answers, and one candidate"


@pytest.mark.parametrize(
    "settings",
    [
        {"semantic": "verified"},
        {"semantic": "verified", "answer": True, "canonical": "light"},
        {"semantic": "verified", "answer": True, "min_similarity": 0.89},
        {"semantic": "similarity", "answer": True},
    ],
)
def test_nothing_less_is_offered(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ReleaseCache.model_validate(settings)
