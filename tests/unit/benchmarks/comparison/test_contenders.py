"""Contenders against a server on loopback and a model that counts."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import numpy as np
import pytest
from aiohttp import web

from benchmarks.comparison.asking import NotComparable, ask_all, query_body
from benchmarks.comparison.contenders import BareEncoder, HttpContender, Workload
from benchmarks.comparison.overload import FACTORS, measure_overload
from benchmarks.comparison.stages import measure_stages

EMBEDDER = {"queue_ms": 0.5, "inference_ms": 1.5, "replica_ms": 2.5}
TIMINGS = {"total_ms": 3.0, "stages": {"embedder": EMBEDDER, "retriever": {"total_ms": 9.0}}}


class Busy:
    """Answers one request at a time in 5 ms; refuses who finds three waiting."""

    def __init__(self) -> None:
        self.queries: list[str] = []
        self._waiting = 0
        self._turn = asyncio.Lock()

    async def answer(self, request: web.Request) -> web.Response:
        self.queries.append((await request.json())["query"])
        if self._waiting > 3:
            return web.Response(status=503, headers={"Retry-After": "1"})
        self._waiting += 1
        try:
            async with self._turn:
                await asyncio.sleep(0.005)
        finally:
            self._waiting -= 1
        return web.json_response({"timings": TIMINGS})


@pytest.fixture
async def served() -> AsyncIterator[tuple[Busy, HttpContender]]:
    busy = Busy()
    app = web.Application()
    app.router.add_post("/v1/query", busy.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield busy, HttpContender("busy", f"http://127.0.0.1:{runner.addresses[0][1]}")
    await runner.cleanup()


async def test_bodies_are_sent_in_turn(served: tuple[Busy, HttpContender]) -> None:
    busy, contender = served
    bodies = [query_body("a"), query_body("b"), query_body("ü")]
    workload = Workload("w", "/v1/query", bodies, 1)
    samples = await contender.measure(workload, duration_s=0.3, warmup_s=0.0)
    assert busy.queries[:4] == ["a", "b", "ü", "a"]
    assert 4 <= len(samples) <= 60
    assert {sample.outcome for sample in samples} == {"ok"}
    assert await contender.time_wave(Workload("w", "/v1/query", bodies, 3)) >= 0.015


async def test_answers_come_in_order_or_not_at_all(served: tuple[Busy, HttpContender]) -> None:
    _, contender = served
    answers = await ask_all(contender, "/v1/query", [query_body("a")] * 2)
    assert answers == [{"timings": TIMINGS}] * 2
    with pytest.raises(NotComparable, match="busy: /v1/nothing: HTTP 404"):
        await ask_all(contender, "/v1/nothing", [query_body("a")])


async def test_time_outside_the_stages_is_the_rest(served: tuple[Busy, HttpContender]) -> None:
    _, contender = served
    found = await measure_stages(contender, "/v1/query", [query_body("a")] * 3)
    assert (found["requests"], found["gateway_ms"]) == (3, 3.0)
    assert (found["models_ms"], found["replicas_ms"]) == (2.0, 2.5)
    assert found["outside_ms"] == pytest.approx(found["total_ms"] - 2.5, abs=0.002)
    assert found["by_stage"] == {
        "embedder": {"models_ms": 2.0, "replicas_ms": 2.5},
        "retriever": {"models_ms": None, "replicas_ms": None},
    }


async def test_overload_is_refused_and_the_rest_is_good(
    served: tuple[Busy, HttpContender],
) -> None:
    _, contender = served
    told: list[str] = []
    found = await measure_overload(
        contender,
        "/v1/query",
        [query_body("a")],
        capacity_per_s=180.0,
        duration_s=0.2,
        slo_ms=500.0,
        seed=1,
        on_done=told.append,
    )
    assert [one["factor"] for one in found] == list(FACTORS)
    assert told[-1] == "done"
    least, most = found[0], found[-1]
    assert most["refused_ratio"] > least["refused_ratio"]
    assert most["refused_ratio"] > 0.3
    assert most["goodput_per_s"] > 30
    assert most["failed"] == 0


class CountingModel:
    """Gives each text its length as a vector, and notes the batches."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    def encode(self, texts: Sequence[str], **options: Any) -> Any:
        assert options["batch_size"] == len(texts)
        self.batches.append(list(texts))
        return np.array([[len(text)] for text in texts], np.float32)


async def test_bare_model_gets_batches_of_like_length() -> None:
    model = CountingModel()
    texts = ["aaaa", "a", "aaa", "aa", "aaaaa"]
    bodies = [json.dumps(text).encode() for text in texts]
    workload = Workload("w", "/", bodies, 4, texts, bare_batch=2)
    samples = await BareEncoder(model, bfloat16=False).measure(
        workload, duration_s=0.05, warmup_s=0.0
    )
    assert sorted(model.batches[:3]) == [["a", "aa"], ["aaa", "aaaa"], ["aaaaa"]]
    assert model.batches[3] == model.batches[0]
    assert 0 < len(samples) <= sum(len(batch) for batch in model.batches)
