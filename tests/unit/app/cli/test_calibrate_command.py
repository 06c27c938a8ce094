"""`ragserve calibrate`: which collections are asked for, what is said, and the exit code."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.app.cli.conftest import Answer, CannedService, Ended

FITTED = {
    "min_relevance_score": 0.52649,
    "reranker_model": "model",
    "document_count": 3,
    "chunk_count": 40,
    "own_questions": 108,
    "foreign_questions": 127,
    "kept_ratio": 0.972,
    "refused_ratio": 0.961,
    "fitted_at": "2026-01-01T00:00:00Z",
}
TINY = {
    "status": "impossible",
    "before": None,
    "after": None,
    "reason": "The collection has 3 chunks; from 20 on it can be calibrated.",
}
Calibrate = Callable[..., Ended]


def fitted(before: dict[str, Any] | None = None) -> Answer:
    return Answer({"status": "fitted", "before": before, "after": FITTED, "reason": ""})


@pytest.fixture
def calibrate(
    service: CannedService,
    ragserve: Callable[..., Ended],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Calibrate:
    monkeypatch.setenv("RAGSERVE_ADMIN_KEY", "open-sesame")
    monkeypatch.setenv("RAGSERVE_URL", service.url)
    return lambda *more: ragserve("calibrate", "--home", str(tmp_path), *more)


def test_one_collection_is_one_request_and_one_line(
    service: CannedService, calibrate: Calibrate
) -> None:
    service.answers = [fitted(FITTED | {"min_relevance_score": 0.45})]
    done = calibrate("--retrieval", "retrieval-a")
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        "retrieval-a: chunks support an answer from 0.526 on (0.45 before). Of 108 questions of "
        "its own 97% reach it; of 127 on other subjects 96% do not.\n"
    )
    assert service.asked == [
        ("/admin/calibrations", {"retrieval": "retrieval-a", "only_if_stale": False})
    ]
    assert service.keys == ["Bearer open-sesame"]


def test_without_a_name_all_collections_are_asked_for_once(
    service: CannedService, calibrate: Calibrate
) -> None:
    releases = [{"name": name, "retrieval": name[0]} for name in ("b1", "b2", "a1")]
    service.answers = [Answer({"releases": releases}), fitted(), fitted()]
    done = calibrate()
    assert done.code == 0
    assert [line.split(":")[0] for line in done.out.splitlines()] == ["a", "b"]
    assert [path for path, _ in service.asked] == ["/admin/releases", *["/admin/calibrations"] * 2]
    assert "none before" in done.out


def test_what_cannot_be_calibrated_is_said_and_the_exit_code_tells(
    service: CannedService, calibrate: Calibrate
) -> None:
    service.answers = [Answer(TINY)]
    done = calibrate("--retrieval", "a")
    assert done.code == 1
    assert done.out == f"a: not calibrated. {TINY['reason']}\n"
    service.answers = [Answer(TINY | {"before": FITTED, "after": FITTED})]
    assert calibrate("--retrieval", "a").out.endswith("It keeps 0.526.\n")


def test_what_the_service_refuses_is_an_error(service: CannedService, calibrate: Calibrate) -> None:
    service.answers = [Answer({"detail": "No release names it.", "request_id": "x"}, status=422)]
    done = calibrate("--retrieval", "none")
    assert done.code == 1
    assert "No release names it." in done.err
