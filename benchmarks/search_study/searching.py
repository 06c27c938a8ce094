"""Searches under load, and what their answers say of the stages."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.comparison.asking import SEARCH
from benchmarks.load.driver import Reply, Sample, closed_loop
from benchmarks.load.http import HttpTarget
from benchmarks.load.summary import summarise_runs

_PARTS = ("total_ms", "queue_ms", "inference_ms", "replica_ms")

OnAnswer = Callable[[float, Any], None]
"""Is told when a search was sent, as the loop counts time, and its answer."""


@dataclass(frozen=True, slots=True)
class Load:
    """How searches are sent: `concurrency` at any time, `warmup_s` of them before the window of
    `duration_s`."""

    concurrency: int
    duration_s: float
    warmup_s: float


@dataclass(slots=True)
class Runs:
    """What was measured of one mode: samples by window, and the timings that answers gave."""

    samples: list[list[Sample]] = field(default_factory=list)
    timings: list[Mapping[str, Any]] = field(default_factory=list)


def search_body(question: str, *, mode: str, top_k: int, top_n: int) -> bytes:
    """Returns a search that is not reranked."""
    body = {"query": question, "mode": mode, "top_k": top_k, "top_n": top_n, "rerank": False}
    return json.dumps(body, ensure_ascii=False).encode("utf-8")


async def measure(
    url: str,
    bodies: Sequence[bytes],
    load: Load,
    runs: Runs,
    *,
    first: int,
    on_answer: OnAnswer = lambda sent_s, answer: None,
) -> int:
    """Adds one window to the runs, and returns how many searches were sent.

    Args:
        url: The service.
        bodies: What is sent, in turns.
        load: How.
        runs: Where the window is added.
        first: Place of the body that is sent first, so that windows need not repeat each other.
        on_answer: Is told of every answer that is ok.
    """
    loop = asyncio.get_running_loop()
    begin_s = loop.time() + load.warmup_s
    sent = 0
    async with HttpTarget(url) as target:

        async def send(index: int) -> Reply:
            nonlocal sent
            sent, sent_s = max(sent, index + 1), loop.time()
            body = bodies[(first + index) % len(bodies)]
            reply = await target.post(SEARCH, body, parse=True)
            if reply.outcome == "ok":
                on_answer(sent_s, reply.body)
                if sent_s >= begin_s:
                    runs.timings.append(reply.body["timings"])
            return reply

        samples = await closed_loop(
            send,
            concurrency=load.concurrency,
            duration_s=load.duration_s,
            warmup_s=load.warmup_s,
        )
    runs.samples.append(samples)
    return sent


def figures(runs: Runs, *, duration_s: float) -> dict[str, Any]:
    """Returns the latencies, and by stage the median and the 95th percentile of each of its times,
    in milliseconds."""
    stages = sorted({name for timings in runs.timings for name in timings["stages"]})
    return {
        **summarise_runs(runs.samples, duration_s=duration_s),
        "gateway": _spread([timings["total_ms"] for timings in runs.timings]),
        "stages": {
            stage: {
                part: _spread([timings["stages"][stage][part] for timings in told])
                for part in _PARTS
            }
            for stage in stages
            if (told := [timings for timings in runs.timings if stage in timings["stages"]])
        },
    }


def _spread(values_ms: Sequence[float]) -> dict[str, float] | None:
    if not values_ms:
        return None
    p50_ms, p95_ms = np.percentile(values_ms, [50, 95])
    return {"p50": round(float(p50_ms), 2), "p95": round(float(p95_ms), 2)}
