"""Answers are judged after they went out, when there is time, and never in anybody's way."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from app.evaluation import evaluator as module
from app.evaluation.evaluator import Evaluator
from app.evaluation.judges import Judged
from app.releases.releases import Releases
from app.settings.live.evaluation import OnlineEvaluation
from app.telemetry.requests import FinishedRequest
from deployments.contracts.errors import Unavailable
from deployments.contracts.search import Reranked
from tests.doubles import DoubleDirectory
from tests.unit.app.conftest import LIVE
from tests.unit.app.telemetry.requests import finished


class Replica:
    """An evaluator, the time and the load that it sees, and what it says."""

    def __init__(self, **settings: Any) -> None:
        self.settings = OnlineEvaluation.model_validate({"share": 1.0} | settings)
        self.stages = DoubleDirectory()
        self.open_requests, self.now_s, self.drawn = 0, 0.0, 0.0
        self.said: list[tuple[FinishedRequest, Judged]] = []
        self.evaluator = Evaluator(
            lambda: self.settings,
            Releases(self.stages, lambda: LIVE),
            lambda request, judged, _: self.said.append((request, judged)),
            open_requests=lambda: self.open_requests,
            draw=lambda: self.drawn,
            now=lambda: self.now_s,
        )

    def counts(self) -> dict[str, int]:
        return {outcome: count for (_, outcome), count in self.evaluator.counts().items()}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.evaluator.run())
        try:
            yield
        finally:
            task.cancel()


def request(request_id: str = "r1") -> FinishedRequest:
    return replace(finished(), request_id=request_id)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK_EVERY_S", 0.001)


async def test_an_answer_that_is_drawn_is_judged() -> None:
    replica = Replica(share=0.3)
    replica.drawn = 0.29
    replica.evaluator.take(request())
    replica.drawn = 0.3
    replica.evaluator.take(request("r2"))
    assert replica.said == [], "whoever reports a request waits for nobody"
    async with replica.running():
        await until(lambda: replica.said)
    ((judged, scores),) = replica.said
    assert judged.request_id == "r1"
    assert 0.0 <= scores.groundedness <= 1.0
    assert scores.source == "code"
    assert replica.counts() == {"judged": 1}


async def test_by_default_nothing_is_judged() -> None:
    replica = Replica()
    replica.settings = OnlineEvaluation()
    replica.evaluator.take(request())
    async with replica.running():
        await asyncio.sleep(0.01)
    assert replica.counts() == {}
    assert replica.stages.reranker.calls == 0


async def test_a_language_model_judges_where_one_is_named() -> None:
    replica = Replica(generator="echo-judge")
    replica.stages.echo.engine.script = [("9", []), ("8", [])]
    replica.evaluator.take(request())
    async with replica.running():
        await until(lambda: replica.said)
    assert replica.said[0][1] == Judged(0.9, 0.8, "llm_judge", "echo")
    assert replica.stages.reranker.calls == 0


async def test_while_others_wait_nothing_is_judged() -> None:
    replica = Replica(beside=1)
    replica.open_requests = 2
    replica.evaluator.take(request())
    async with replica.running():
        await asyncio.sleep(0.02)
        assert replica.stages.reranker.calls == 0
        replica.open_requests = 1
        await until(lambda: replica.said)


async def test_what_has_waited_for_too_long_never_is() -> None:
    replica = Replica(beside=0, patience_s=10)
    replica.open_requests = 1
    replica.evaluator.take(request())
    replica.now_s = 9.0
    replica.evaluator.take(request("r2"))
    replica.now_s = 11.0
    async with replica.running():
        await until(lambda: replica.counts())
        replica.open_requests = 0
        await until(lambda: replica.said)
    assert replica.said[0][0].request_id == "r2"
    assert replica.counts() == {"dropped": 1, "judged": 1}


async def test_more_than_have_room_are_dropped_and_counted() -> None:
    replica = Replica(max_waiting=2)
    for number in range(5):
        replica.evaluator.take(request(f"r{number}"))
    assert replica.counts() == {"dropped": 3}
    async with replica.running():
        await until(lambda: len(replica.said) == 2)


async def test_a_judge_that_fails_is_counted_and_the_next_answer_is_judged() -> None:
    replica = Replica()
    replica.stages.reranker.failure = Unavailable("Away.", "reranker")
    replica.evaluator.take(request())
    async with replica.running():
        await until(lambda: replica.counts())
        replica.stages.reranker.failure = None
        replica.evaluator.take(request("r2"))
        await until(lambda: replica.said)
    assert replica.counts() == {"failed": 1, "judged": 1}


async def test_a_judge_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    replica = Replica(timeout_s=0.02)

    async def hangs(*_: object, **__: object) -> Reranked:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(replica.stages.reranker, "rerank", hangs)
    replica.evaluator.take(request())
    async with replica.running():
        await until(lambda: replica.counts())
    assert replica.counts() == {"failed": 1}


async def test_a_release_that_is_gone_by_then_fails_alone() -> None:
    replica = Replica()
    gone = replace(request(), notes=replace(request().notes, release="gone"))
    replica.evaluator.take(gone)
    async with replica.running():
        await until(lambda: replica.counts())
    assert replica.counts() == {"failed": 1}


async def test_calls_stand_back_for_others_and_reach_the_tenant_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    replica = Replica()
    seen: list[Any] = []

    async def heard(query: str, texts: list[str], *, call: Any) -> Reranked:
        seen.append(call)
        return Reranked((2.0,) * len(texts), 1, "m")

    monkeypatch.setattr(replica.stages.reranker, "rerank", heard)
    replica.evaluator.take(replace(request(), notes=replace(request().notes, tenant="acme")))
    async with replica.running():
        await until(lambda: replica.said)
    assert all(call.background and call.access.tenant == "acme" for call in seen)
    assert replica.said[0][1].groundedness == 1.0, "scores over 1 count as 1"
