"""Measurements in turns: A B C, B C A, ... so that whatever else the machine does hits all alike.

The ratio of two contenders is taken within each round, from measurements that are minutes apart at
most, and the median over the rounds is what is reported.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from benchmarks.comparison.contenders import Contender, Workload
from benchmarks.load.driver import Sample
from benchmarks.load.summary import summarise_runs

_WAVES = 4
"""A contender that works on all requests at once answers them all at once too: a window must hold
several such waves, or it counts one more or one less by chance."""


class Turn(NamedTuple):
    """One measurement to come."""

    workload: Workload
    contender: Contender

    @property
    def label(self) -> str:
        """What a progress bar says."""
        return f"{self.workload.name}: {self.contender.name}"


class Window(NamedTuple):
    """How long a measurement takes."""

    warmup_s: float
    duration_s: float

    def stretched(self, wave_s: float) -> "Window":
        """Returns a window that is long enough for answers that take `wave_s`."""
        return Window(max(self.warmup_s, wave_s), max(self.duration_s, _WAVES * wave_s))


@dataclass(slots=True)
class Runs:
    """What was measured of one contender under one workload: samples by round, in equal windows."""

    window: Window
    samples: list[list[Sample]] = field(default_factory=list)


Measured = dict[str, dict[str, Runs]]
"""By workload and contender."""


def plan_turns(
    contenders: Sequence[Contender], workloads: Sequence[Workload], *, rounds: int
) -> list[Turn]:
    """Returns the measurements in their order.

    Within a round, each workload meets all contenders one after the other; who is first changes
    from round to round.
    """
    turns = []
    for number in range(rounds):
        first = number % len(contenders)
        order = (*contenders[first:], *contenders[:first])
        turns += [Turn(workload, contender) for workload in workloads for contender in order]
    return turns


async def take_turns(
    turns: Sequence[Turn], *, window: Window, on_done: Callable[[str], None]
) -> Measured:
    """Returns the samples of all measurements; whoever is not measured is frozen.

    Args:
        turns: The measurements.
        window: The shortest; slow contenders get longer ones.
        on_done: Called after each measurement with what comes next.
    """
    measured: Measured = {}
    contenders = {turn.contender.name: turn.contender for turn in turns}.values()
    for contender in contenders:
        contender.freeze()
    try:
        for place, (workload, contender) in enumerate(turns):
            contender.thaw()
            by_name = measured.setdefault(workload.name, {})
            if contender.name not in by_name:
                wave_s = await contender.time_wave(workload)
                by_name[contender.name] = Runs(window.stretched(wave_s))
            runs = by_name[contender.name]
            warmup_s, duration_s = runs.window
            runs.samples.append(
                await contender.measure(workload, duration_s=duration_s, warmup_s=warmup_s)
            )
            contender.freeze()
            on_done(turns[place + 1].label if place + 1 < len(turns) else "done")
    finally:
        for contender in contenders:
            contender.thaw()
    return measured


def tabulate(measured: Mapping[str, Runs], *, service: str) -> dict[str, Any]:
    """Returns the figures of one workload, and how the service compares with each other contender.

    `rate_ratio` and `p50_ratio` are the service's figure over the other's: the median of the
    rounds and the lowest and highest round. They are None where a round has no answer.
    """
    by_round = {
        name: [
            summarise_runs([sample], duration_s=runs.window.duration_s) for sample in runs.samples
        ]
        for name, runs in measured.items()
    }
    return {
        "contenders": {
            name: {
                "window_s": round(runs.window.duration_s, 1),
                **summarise_runs(runs.samples, duration_s=runs.window.duration_s),
            }
            for name, runs in measured.items()
        },
        "service_compared_with": {
            name: {
                "rate_ratio": _ratio(by_round[service], found, "requests_per_s"),
                "p50_ratio": _ratio(by_round[service], found, "p50_ms"),
            }
            for name, found in by_round.items()
            if name != service
        },
    }


def _ratio(
    ours: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]], figure: str
) -> dict[str, float] | None:
    pairs = [(a[figure], b[figure]) for a, b in zip(ours, theirs, strict=True)]
    if not pairs or not all(a and b for a, b in pairs):
        return None
    ratios = [a / b for a, b in pairs]
    return {
        "median": round(statistics.median(ratios), 3),
        "lowest": round(min(ratios), 3),
        "highest": round(max(ratios), 3),
    }
