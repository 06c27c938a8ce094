"""`ragserve feedback`: what a person sees, and the set that a benchmark reads."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.cli.feedback.evaluation_set import evaluation_set
from benchmarks.quality.datasets import read_corpus, read_questions
from tests.unit.app.cli.conftest import Answer, CannedService, Ended

Run = Callable[..., Ended]
PASSAGE = {"id": "doc-1", "title": "Overload", "text": "A full queue is answered with 503."}
SCORES = {
    "data": [
        {
            "release": "minilm",
            "name": "feedback",
            "count": 120,
            "mean": 0.85,
            "low": 0.775,
            "high": 0.903,
            "thumbs_up": 102,
            "thumbs_down": 18,
        }
    ]
}


def rated(number: int, score: float, **fields: Any) -> dict[str, Any]:
    usual = {
        "id": f"fb_{number}",
        "request_id": f"r{number}",
        "score": score,
        "thumb": None,
        "comment": "",
        "correction": "",
        "release": "minilm",
        "rated_at": 1_767_225_660,
        "recorded": {
            "question": f"Question {number}?",
            "answer": f"It is refused [1]. Answer {number}.",
            "passages": [PASSAGE],
        },
    }
    return usual | fields


@pytest.fixture
def operator(service: CannedService, ragserve: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("RAGSERVE_ADMIN_KEY", "open-sesame")
    monkeypatch.setenv("RAGSERVE_URL", service.url)
    return ragserve


def pages(*found: list[dict[str, Any]]) -> list[Answer]:
    return [
        Answer(
            {
                "data": page,
                "has_more": number < len(found),
                "last_id": page[-1]["id"] if page else None,
            }
        )
        for number, page in enumerate(found, start=1)
    ]


def test_the_least_liked_are_shown_with_what_is_known_of_them(
    service: CannedService, operator: Run
) -> None:
    worst = rated(1, 0.0, thumb="down", comment="Not [so].", correction="With 503.")
    service.answers = [*pages([worst, rated(2, 0.5, recorded=None)]), Answer(SCORES)]
    done = operator("feedback", "--days", "7", "--release", "minilm")
    assert done.code == 0, done.err
    for part in (
        *("minilm", "120", "0.85", "0.78 to 0.90", "102"),
        *("down", "r1", "Question 1?", "It is refused [1].", "Not [so].", "With 503."),
        *("Overload: A full queue", "0.50", "r2", "2026-01-01"),
    ):
        assert part in done.out
    asked = [path for path, _ in service.asked]
    assert asked[0].startswith("/v1/feedback?name=feedback&release=minilm&days=7.0")
    assert asked[1] == "/v1/feedback/releases?days=7.0"
    assert service.keys == ["Bearer open-sesame"] * 2


def test_json_has_everything_of_as_many_as_were_asked_for(
    service: CannedService, operator: Run
) -> None:
    found = [rated(number, 0.0) for number in range(5)]
    service.answers = [*pages(found[:2], found[2:]), Answer(SCORES)]
    done = operator("feedback", "--json", "--limit", "3")
    told = json.loads(done.out)
    assert [one["request_id"] for one in told["answers"]] == ["r0", "r1", "r2"]
    assert told["releases"] == SCORES["data"]
    assert "after=fb_1" in service.asked[1][0]


def test_without_ratings_it_says_so(service: CannedService, operator: Run) -> None:
    service.answers = [*pages([]), Answer({"data": []})]
    assert "No answer was rated." in operator("feedback").out


def test_what_is_exported_is_what_the_benchmark_reads(
    service: CannedService, operator: Run, tmp_path: Path
) -> None:
    long = "Requests over the bound are refused at once with the status 503."
    service.answers = pages(
        [
            rated(1, 0.0),
            rated(2, 0.0, correction="With 503."),
            rated(3, 0.2, correction=long),
            rated(4, 0.0, recorded=None),
            rated(5, 1.0),
        ]
    )
    folder = tmp_path / "liked"
    done = operator("feedback", "export", str(folder))
    assert done.code == 0, done.err
    assert "3 questions, 1 passages" in done.out
    assert "1 that were disliked" in done.out
    assert "1 without texts" in done.out
    short, corrected, liked = read_questions(folder)
    assert (short.text, short.answers, short.long_answer) == ("Question 2?", ("With 503.",), "")
    assert (corrected.answers, corrected.long_answer) == ((), long)
    assert liked.long_answer == "It is refused. Answer 5."
    assert all(one.answerable for one in (short, corrected, liked))
    (document,) = read_corpus(folder)
    assert (document.id, document.title) == ("doc-1", "Overload")
    again = operator("feedback", "export", str(folder))
    assert again.code == 1
    assert "not empty" in again.err


def test_nothing_to_export_is_an_error(
    service: CannedService, operator: Run, tmp_path: Path
) -> None:
    service.answers = pages([rated(1, 0.0)])
    done = operator("feedback", "export", str(tmp_path / "empty"))
    assert done.code == 1
    assert "nothing to write" in done.err
    assert not (tmp_path / "empty").exists()


def test_one_answer_is_one_question_and_a_correction_counts_first() -> None:
    two = [
        rated(1, 0.0, id="fb_a"),
        rated(1, 1.0, id="fb_b"),
        rated(2, 0.1, id="fb_c"),
        rated(2, 0.5, id="fb_d", correction="So."),
    ]
    made = evaluation_set(two)
    assert [one["id"] for one in made.questions] == ["fb_d"]
    assert made.disliked == 1
