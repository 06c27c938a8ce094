"""Where the time of a lone request goes: in the stages, or on the way between them."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.comparison.asking import NotComparable
from benchmarks.comparison.contenders import HttpContender

_MODEL_PARTS = ("queue_ms", "inference_ms")
_REPLICA_PARTS = ("replica_ms",)


def time_in_models_ms(timings: Mapping[str, Any]) -> float | None:
    """Returns what an answer's stages report for waiting for their model and running it, together.

    Where a stage runs several batches for one request, its waiting and its running overlap, and the
    sum is more than the time that passed.

    Args:
        timings: The field `timings` of an answer. A stage that does not say is left out.

    Returns:
        Milliseconds, or None when no stage says anything.
    """
    return _sum(timings, _MODEL_PARTS)


def time_in_replicas_ms(timings: Mapping[str, Any]) -> float | None:
    """Returns the time that an answer's stages report from getting a request to answering it,
    together; see `time_in_models_ms`."""
    return _sum(timings, _REPLICA_PARTS)


async def measure_stages(
    contender: HttpContender, path: str, bodies: Sequence[bytes]
) -> dict[str, Any]:
    """Returns the medians of requests that were sent one after the other, in milliseconds.

    `total_ms` is what the client saw, `gateway_ms` what the answer reports for the whole request,
    `models_ms` and `replicas_ms` what its stages report, also in `by_stage`. `outside_ms` is the
    total without `replicas_ms`: HTTP, the gateway and the calls between the stages. What is not
    reported is None.

    Raises:
        NotComparable: a request failed.
    """
    totals_ms: list[float] = []
    told: list[Mapping[str, Any]] = []
    async with contender.target() as target:
        for body in bodies:
            began_s = time.perf_counter()
            reply = await target.post(path, body, parse=True)
            totals_ms.append((time.perf_counter() - began_s) * 1e3)
            if reply.outcome != "ok":
                raise NotComparable(f"{contender.name}: {path}: {reply.detail}")
            told.append(reply.body["timings"])
    replicas = [time_in_replicas_ms(timings) for timings in told]
    return {
        "requests": len(totals_ms),
        "total_ms": _median(totals_ms),
        "gateway_ms": _median([timings["total_ms"] for timings in told]),
        "models_ms": _median([time_in_models_ms(timings) for timings in told]),
        "replicas_ms": _median(replicas),
        "outside_ms": _median(
            [a - b for a, b in zip(totals_ms, replicas, strict=True) if b is not None]
        ),
        "by_stage": {name: _stage(told, name) for name in told[0]["stages"]} if told else {},
    }


def _stage(told: Sequence[Mapping[str, Any]], name: str) -> dict[str, float | None]:
    alone = [{"stages": {name: timings["stages"].get(name, {})}} for timings in told]
    return {
        "models_ms": _median([time_in_models_ms(one) for one in alone]),
        "replicas_ms": _median([time_in_replicas_ms(one) for one in alone]),
    }


def _sum(timings: Mapping[str, Any], parts: Sequence[str]) -> float | None:
    found = [
        float(stage[part])
        for stage in timings.get("stages", {}).values()
        for part in parts
        if stage.get(part) is not None
    ]
    return sum(found) if found else None


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(float(np.median(known)), 3) if known else None
