"""What consoles cost is taken round by round."""

import re
from pathlib import Path

from benchmarks.consoles import OVERVIEW, ROLLOUT, ROLLOUTS, summary

PAGES = Path(__file__).parents[3] / "app" / "console" / "static" / "pages"


def turn(p95_ms: float) -> dict[str, float]:
    return {"p50_ms": 10.0, "p95_ms": p95_ms, "looks_per_s": 1.0}


def test_each_round_is_compared_with_itself() -> None:
    found = summary({0: [turn(100), turn(1000), turn(200)], 10: [turn(110), turn(1000), turn(240)]})
    assert found["ratio"]["p95_ms"] == 1.1
    assert found["ratio"]["p50_ms"] == 1.0
    assert found["median"]["10"]["p95_ms"] == 240
    assert found["p95_ratios"] == [1.1, 1.0, 1.2]


def test_consoles_look_as_often_as_those_in_browsers() -> None:
    overview = (PAGES / "overview" / "overview.js").read_text()
    rollouts = (PAGES / "rollout" / "rollouts.js").read_text()

    def seconds(text: str, name: str) -> float:
        found = re.search(rf"const {name} = ([\d_]+);", text)
        assert found is not None
        return int(found[1].replace("_", "")) / 1000

    assert [every_s for _, every_s in OVERVIEW] == [
        seconds(overview, "EVERY_MS"),
        seconds(overview, "READY_EVERY_MS"),
        seconds(overview, "READY_EVERY_MS"),
    ]
    assert [every_s for _, every_s in ROLLOUTS + ROLLOUT] == [
        seconds(rollouts, "LIST_EVERY_MS"),
        seconds(rollouts, "LOOK_EVERY_MS"),
        seconds(rollouts, "COURSE_EVERY_MS"),
    ]
    assert OVERVIEW[0][0] in overview
