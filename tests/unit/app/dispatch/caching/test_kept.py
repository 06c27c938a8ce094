"""Which answers are kept, for whom, and what they say of releases."""

from dataclasses import replace
from typing import Any

import pytest

from app.answering.question import Question
from app.releases.assignment import Assignment
from app.settings.cold.cache import ReleaseCache
from app.settings.live.recording import Recording
from deployments.contracts.errors import StageFailed
from deployments.contracts.generation import Sampling
from tests.unit.app.dispatch.caching.service import (
    ACME,
    ANSWER,
    BOTH,
    CITED,
    GENERATION,
    SMALL,
    Service,
    in_rollout,
    live,
)


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
