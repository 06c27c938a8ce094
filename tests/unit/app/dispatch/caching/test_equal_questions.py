"""Which questions are equal: what changes an answer, and what does not."""

from dataclasses import fields, replace
from typing import Any

import pytest

from app.answering.ask import from_generator
from app.answering.question import Question
from app.releases.assignment import Assignment
from app.settings.cold.cache import ReleaseCache
from app.settings.live.gateway import GatewayLive
from deployments.contracts.generation import (
    Generation,
    GenerationRequest,
    Message,
    Sampling,
    Started,
    TextDelta,
    collect,
)
from deployments.contracts.tools import Tool, ToolUse
from tests.unit.app.dispatch.caching.service import (
    ACME,
    ANSWER,
    GENERATION,
    QUESTION,
    SMALL,
    Service,
    live,
)


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
