"""The last minutes add up, by minute and by release."""

import pytest

from deployments.activity import MinuteCounts, ReleaseMinute
from deployments.recent_activity import sum_up
from deployments.sketch import Sketch


def minute(release: str, number: int, *total_ms: float, failed: int = 0) -> ReleaseMinute:
    sketch = Sketch()
    for value in total_ms:
        sketch.add(value)
    counts = MinuteCounts(requests=len(total_ms) + failed, failed=failed)
    return ReleaseMinute(release, "f", number, counts, {"total_ms": sketch} if total_ms else {})


def test_minutes_and_releases_add_up() -> None:
    kept = [
        minute("a", 7, *[100.0] * 19, 900.0),
        minute("b", 7, 10.0, failed=2),
        minute("a", 9, 300.0),
    ]
    recent = sum_up(kept, first_minute=6)
    assert recent.first_minute == 6
    assert {number: each.counts.requests for number, each in recent.minutes.items()} == {
        7: 23,
        9: 1,
    }
    assert {name: each.counts.requests for name, each in recent.releases.items()} == {
        "a": 21,
        "b": 3,
    }
    assert (recent.total.counts.requests, recent.total.counts.failed) == (24, 2)
    times = recent.releases["a"].times["total_ms"]
    assert times.count == 21
    assert times.p50_ms == pytest.approx(100.0, rel=0.02)
    assert times.p95_ms == pytest.approx(300.0, rel=0.02)


def test_what_was_never_measured_has_no_times() -> None:
    recent = sum_up([minute("a", 7, failed=1)], first_minute=7)
    assert recent.total.times == {}
    assert sum_up([], first_minute=7).total.counts == MinuteCounts()
