"""What was asked in the last minutes, in figures: made of the minutes that are kept, release by
release, so that nothing has to be counted a second time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deployments.activity import MinuteCounts, ReleaseMinute, merged_timings
from deployments.sketch import Sketch


@dataclass(frozen=True, slots=True)
class Times:
    """How long something took, in milliseconds: half of the times, and 95 of 100 of them, were no
    longer than that."""

    count: int
    p50_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True)
class Activity:
    """What requests came to, and how long they and their parts took.

    Attributes:
        counts: Sums.
        times: By the names of `ReleaseMinute.timings`; those that were never measured are missing.
    """

    counts: MinuteCounts
    times: Mapping[str, Times]


@dataclass(frozen=True, slots=True)
class RecentActivity:
    """The last minutes.

    Attributes:
        first_minute: Since the epoch.
        minutes: Every minute from the first one on in which there were requests.
        releases: All minutes together, by release.
        total: All of it.
    """

    first_minute: int
    minutes: Mapping[int, Activity]
    releases: Mapping[str, Activity]
    total: Activity


def sum_up(kept: Sequence[ReleaseMinute], *, first_minute: int) -> RecentActivity:
    """Returns the figures of some minutes, all of which are from the first one on."""
    return RecentActivity(
        first_minute,
        {number: _sum([m for m in kept if m.minute == number]) for number in _minutes(kept)},
        {name: _sum([m for m in kept if m.release == name]) for name in _releases(kept)},
        _sum(kept),
    )


def _minutes(kept: Sequence[ReleaseMinute]) -> list[int]:
    return sorted({minute.minute for minute in kept})


def _releases(kept: Sequence[ReleaseMinute]) -> list[str]:
    return sorted({minute.release for minute in kept})


def _sum(some: Sequence[ReleaseMinute]) -> Activity:
    counts = sum((minute.counts for minute in some), start=MinuteCounts())
    timings = merged_timings(some)
    times = {name: found for name in timings if (found := _times(timings[name])) is not None}
    return Activity(counts, times)


def _times(sketch: Sketch) -> Times | None:
    p50_ms, p95_ms = sketch.quantile(0.5), sketch.quantile(0.95)
    return None if p50_ms is None or p95_ms is None else Times(sketch.count, p50_ms, p95_ms)
