"""`ragserve rollout` and `ragserve traffic`: what they send, and what a person sees."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.cli.traffic import parse_weights
from app.client.errors import CliError
from app.local.state import StackState, write_state
from tests.unit.app.cli.conftest import Answer, CannedService, Ended

Run = Callable[..., Ended]
INFO = {
    "id": "20260102-150405-3f2a",
    "canary": "two",
    "stable": "one",
    "phase": "running",
    "stage": 0,
    "stages": 2,
    "stage_name": "25 %",
    "weight": 0.25,
    "reason": "started",
    "mode": "auto",
}
VERDICT = {
    "metric": "total_ms",
    "outcome": "inconclusive",
    "reason": "time of the whole answer: open",
    "rolls_back": True,
    "canary_requests": 90,
    "baseline_requests": 360,
    "canary": 412.5,
    "baseline": 400.0,
    "change": 0.031,
    "lower": -0.1,
    "upper": 0.2,
    "margin": 0.1,
    "threshold_ms": None,
}
DETAILS = INFO | {
    "decision": {"action": "hold", "wanted": "roll_back", "reason": "too slow", "stage": 0},
    "verdicts": [VERDICT],
    "history": [
        {
            "action": "advance",
            "reason": "[fine]",
            "stage": 0,
            "at": "2026-01-02T15:04:05Z",
            "by": "",
        }
    ],
}


@pytest.fixture
def operator(service: CannedService, ragserve: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("RAGSERVE_ADMIN_KEY", "open-sesame")
    monkeypatch.setenv("RAGSERVE_URL", service.url)
    return ragserve


def answer(service: CannedService, *bodies: Any) -> None:
    service.answers = [Answer(body) for body in bodies]


def test_start_sends_the_policy(service: CannedService, operator: Run, tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("steps: [{weight: 0.5}]")
    answer(service, INFO)
    done = operator("rollout", "start", "two", "--policy", str(file), "--mode", "abort_only")
    assert done.code == 0, done.err
    assert "two against one, 2 stages, mode auto" in done.out
    [(path, body)] = service.asked
    assert path == "/admin/rollouts"
    assert body["canary"] == "two"
    assert body["by"]
    assert body["policy"] == {"steps": [{"weight": 0.5}]}
    assert body["mode"] == "abort_only"
    assert service.keys == ["Bearer open-sesame"]


@pytest.mark.parametrize("content", ["- a list", "steps: [", None])
def test_a_policy_that_is_none_is_refused(
    service: CannedService, operator: Run, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "policy.yaml"
    if content is not None:
        file.write_text(content)
    done = operator("rollout", "start", "two", "--policy", str(file))
    assert done.code == 1
    assert "policy.yaml" in done.err
    assert service.asked == []


def test_status_shows_metrics_and_decisions(service: CannedService, operator: Run) -> None:
    answer(service, {"rollouts": [INFO]}, DETAILS)
    done = operator("rollout", "status")
    assert done.code == 0, done.err
    for part in ("total_ms", "412.5", "+3.1%", "90 / 360", "inconclusive", "25 %", "[fine]"):
        assert part in done.out
    assert "would roll back, mode auto" in done.out
    assert [path for path, _ in service.asked] == [
        "/admin/rollouts?limit=1",
        f"/admin/rollouts/{INFO['id']}",
    ]


def test_status_lists_all(service: CannedService, operator: Run) -> None:
    answer(service, {"rollouts": [INFO, INFO | {"phase": "rolled_back", "reason": "[slow]"}]})
    done = operator("rollout", "status", "--all")
    assert "rolled back" in done.out
    assert "[slow]" in done.out


def test_where_there_was_none_it_says_how_to_begin(service: CannedService, operator: Run) -> None:
    answer(service, {"rollouts": []})
    done = operator("rollout", "status")
    assert done.code == 1
    assert "ragserve rollout start" in done.err


@pytest.mark.parametrize(("phase", "code"), [("promoted", 0), ("rolled_back", 2)])
def test_watch_ends_with_the_rollout(
    service: CannedService,
    operator: Run,
    monkeypatch: pytest.MonkeyPatch,
    phase: str,
    code: int,
) -> None:
    monkeypatch.setattr("app.cli.rollout._WATCH_EVERY_S", 0.0)
    answer(service, DETAILS, DETAILS, DETAILS | {"phase": phase})
    done = operator("rollout", "watch", str(INFO["id"]))
    assert done.code == code
    assert done.out.count("running") == 1
    assert phase.replace("_", " ") in done.out


@pytest.mark.parametrize("verb", ["promote", "abort", "pause", "resume", "approve", "advance"])
def test_people_step_in(service: CannedService, operator: Run, verb: str) -> None:
    answer(service, DETAILS, INFO | {"phase": "paused", "reason": "by hand"})
    done = operator("rollout", verb, str(INFO["id"]), "--reason", "lunch")
    assert done.code == 0, done.err
    assert "by hand" in done.out
    path, body = service.asked[-1]
    assert path == f"/admin/rollouts/{INFO['id']}/{verb}"
    assert body["reason"] == "lunch"


RELEASES = {
    "releases": [
        {"name": "one", "weight": 0.75, "role": "stable", "retrieval": "r", "generator": ["g"]}
    ],
    "rollout": "x",
}


def test_traffic_is_shown(service: CannedService, operator: Run) -> None:
    answer(service, RELEASES)
    done = operator("traffic")
    assert "75.0%" in done.out
    assert "ragserve rollout watch" in done.out


def test_traffic_is_set_and_taken_back(service: CannedService, operator: Run) -> None:
    answer(service, {}, RELEASES)
    assert operator("traffic", "one=0.9", "two=.1").code == 0
    assert service.asked[0][1]["weights"] == {"one": 0.9, "two": 0.1}
    answer(service, {}, RELEASES)
    assert operator("traffic", "--reset").code == 0


@pytest.mark.parametrize("given", ["one", "one=", "=1", "one=much"])
def test_a_weight_that_is_none_is_refused(given: str) -> None:
    with pytest.raises(CliError, match="RELEASE=WEIGHT"):
        parse_weights([given])


def test_without_a_key_it_says_where_one_is(
    service: CannedService, ragserve: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("RAGSERVE_ADMIN_KEY", raising=False)
    monkeypatch.setenv("RAGSERVE_URL", service.url)
    done = ragserve("traffic", "--home", str(tmp_path))
    assert done.code == 1
    assert "RAGSERVE_ADMIN_KEY" in done.err
    (tmp_path / "admin_key").write_text("of-the-stack\n")
    state = StackState("an instance", 0.0, "/tmp/rag-none", service.url, 1, "http://127.0.0.1:1")
    write_state(tmp_path / "state.json", state)
    answer(service, RELEASES)
    assert ragserve("traffic", "--home", str(tmp_path)).code == 0
    assert service.keys == ["Bearer of-the-stack"]
