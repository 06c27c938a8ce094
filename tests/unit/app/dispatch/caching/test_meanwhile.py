"""Equal requests at once, documents that change, stores and stages that are away."""

import asyncio
from pathlib import Path

import pytest

from app.answering.question import Question
from app.releases.assignment import Assignment
from app.settings.cold.cache import ReleaseCache
from deployments.contracts.calls import CallContext
from deployments.contracts.errors import StageFailed, Unavailable
from deployments.contracts.generation import collect
from deployments.contracts.search import Calibration
from tests.unit.app.dispatch.caching.service import (
    ANSWER,
    BOTH,
    CITED,
    GENERATION,
    Service,
    live,
)


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
