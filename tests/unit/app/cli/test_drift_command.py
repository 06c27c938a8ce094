"""`ragserve drift`: what it sends, and what a person sees."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import typer

from app.cli.drift import seconds
from tests.unit.app.cli.conftest import Answer, CannedService, Ended

Run = Callable[..., Ended]
CHECK = {
    "name": "queries",
    "verdict": "drift",
    "reason": "larger than chance [explains]",
    "effect": 0.712,
    "least_effect": 0.55,
    "p_value": 0.005,
    "p_adjusted": 0.02,
    "reference": None,
    "current": None,
    "figures": {"mean_cosine_distance": 0.3},
}
SCORES = CHECK | {"name": "top_score", "verdict": "none", "reference": 0.61, "current": 0.6}
WINDOW = {"begins": "2026-11-20T00:00:00Z", "ends": "2026-11-21T00:00:00Z", "samples": 380}
FOUND: dict[str, Any] = {
    "release": "minilm",
    "verdict": "drift",
    "reference": WINDOW | {"samples": 2660},
    "current": WINDOW,
    "checks": [CHECK, SCORES],
    "run_id": "3f2a",
}


@pytest.fixture
def operator(service: CannedService, ragserve: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("RAGSERVE_ADMIN_KEY", "open-sesame")
    monkeypatch.setenv("RAGSERVE_URL", service.url)
    return ragserve


def test_drift_is_shown_and_is_an_exit_code(service: CannedService, operator: Run) -> None:
    service.answers = [Answer(FOUND)]
    done = operator("drift", "--reference", "2w", "--current", "12h", "--release", "minilm")
    assert done.code == 2, done.err
    for part in ("minilm: drift", "2660 queries", "what is asked", "0.712", "[explains]", "3f2a"):
        assert part in done.out
    assert service.asked == [
        (
            "/admin/drift",
            {"reference_s": 14 * 86_400, "current_s": 43_200, "release": "minilm"},
        )
    ]
    assert service.keys == ["Bearer open-sesame"]


@pytest.mark.parametrize("verdict", ["none", "not_enough"])
def test_no_drift_is_success(service: CannedService, operator: Run, verdict: str) -> None:
    service.answers = [Answer(FOUND | {"verdict": verdict, "run_id": ""})]
    done = operator("drift")
    assert done.code == 0, done.err
    assert "MLflow" not in done.out
    assert service.asked[0][1] == {"reference_s": 7 * 86_400, "current_s": 86_400}


def test_json_is_the_answer_itself(service: CannedService, operator: Run) -> None:
    service.answers = [Answer(FOUND)]
    done = operator("drift", "--json")
    assert done.code == 2
    assert json.loads(done.out) == FOUND


def test_lengths_of_time() -> None:
    assert [seconds(text) for text in ("12h", "1d", "1.5w")] == [43_200, 86_400, 907_200]
    for text in ("7", "d", "7m", "-1d", "7 days"):
        with pytest.raises(typer.BadParameter):
            seconds(text)
