"""`ragserve evaluate` against a service that gives canned answers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.app.cli.conftest import Answer, CannedService, Ended

USAGE = dict.fromkeys(
    ("prompt_tokens", "completion_tokens", "total_tokens", "embedding_tokens", "rerank_tokens"), 1
)


def answer(text: str, *paths: str, grounded: bool = True) -> Answer:
    sources = [
        {
            "index": place,
            "chunk_id": f"{path}-0",
            "document_id": f"id of {path}",
            "path": path,
            "title": path,
            "heading": "",
            "text": "text",
            "score": 0.5,
            "metadata": {},
        }
        for place, path in enumerate(paths, start=1)
    ]
    return Answer(
        {
            "id": "1",
            "request_id": "1",
            "answer": text,
            "grounded": grounded,
            "citations": [],
            "sources": sources,
            "release": "one",
            "model": "extractive",
            "prompt": "",
            "finish_reason": "stop",
            "degraded": [],
            "usage": USAGE,
            "timings": {"total_ms": 1.0, "stages": {}},
        }
    )


ANSWERS = {
    "How long?": answer("It takes 30 seconds. [1]", "a.md", "b.md"),
    "How far?": answer("It is far. [1]", "b.md", "a.md"),
    "How deep?": answer("Nothing says so.", "b.md", grounded=False),
    "Which one?": answer("The red one. [1]", "b.md"),
}


@pytest.fixture
def canned(service: CannedService) -> CannedService:
    service.respond = lambda body: ANSWERS.get(
        body["query"], Answer({"title": "broken", "code": "internal", "detail": "It broke."}, 500)
    )
    return service


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    path = tmp_path / "set.jsonl"
    lines: list[dict[str, Any]] = [
        {"question": "How long?", "answer": "30 seconds", "document": "a.md"},
        {"question": "How far?", "answer": ["10 miles", "16 km"], "document": ["id of a.md"]},
        {"question": "How deep?", "answerable": False},
        {"question": "Which one?", "answerable": False, "note": "is not judged"},
        {"question": "How so?", "answer": "so", "document": "a.md"},
    ]
    path.write_text("\n".join(map(json.dumps, lines)) + "\n\n")
    return path


def test_it_says_what_was_found_answered_and_refused(
    ragserve: Callable[..., Ended], canned: CannedService, questions: Path, tmp_path: Path
) -> None:
    output, picture = tmp_path / "answers.jsonl", tmp_path / "shares.png"
    ended = ragserve(
        *("evaluate", str(questions), "--url", canned.url),
        *("--output", str(output), "--picture", str(picture)),
    )
    assert (ended.code, ended.err.strip()) == (0, "")
    figures = {line.split("  ")[0].strip(): line for line in ended.out.splitlines()}
    assert "0.333" in figures["right document first"]
    assert "0.667" in figures["right document found"]
    assert "0.333" in figures["right answer"]
    assert "0.667" in figures["answered, of those with an answer"]
    assert "0.500" in figures["refused, of those without one"]
    assert "0.200" in figures["failed"]
    assert "0.500" in figures["mean reciprocal rank"]
    assert "It is far." in ended.out
    assert "It broke." in ended.out
    assert "It takes 30 seconds." not in ended.out
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    assert [line["is_right"] for line in lines] == [True, False, True, False, False]
    assert [line["rank"] for line in lines] == [1, 2, None, None, 0]
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("required", "code", "says"),
    [
        ("right=0.3", 0, ""),
        ("right=0.4", 1, "service: right is 0.333, below 0.4"),
        ("rihgt=0.4", 1, "Names are right"),
        ("right=40", 1, "a share from 0 to 1"),
    ],
)
def test_a_check_of_ci_fails_where_less_is_reached(
    ragserve: Callable[..., Ended],
    canned: CannedService,
    questions: Path,
    required: str,
    code: int,
    says: str,
) -> None:
    ended = ragserve("evaluate", str(questions), "--url", canned.url, "--require", required)
    assert ended.code == code
    assert says in ended.err


def test_where_nothing_answers_it_fails(
    ragserve: Callable[..., Ended], service: CannedService, questions: Path
) -> None:
    service.respond = lambda _: Answer({"title": "t", "code": "internal", "detail": "Dead."}, 500)
    ended = ragserve("evaluate", str(questions), "--url", service.url)
    assert ended.code == 1
    assert "No question was answered" in ended.err
    assert "Dead." in ended.err


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "There is no question"),
        ("{not json", "line 1: no JSON"),
        ('{"question": "q"}\n{"answer": "a"}', "line 2: question"),
        ('{"question": "q", "answer": 7}', "line 1: answer"),
        ('["q"]', "line 1: the line"),
    ],
)
def test_a_line_that_is_no_question_is_named(
    ragserve: Callable[..., Ended],
    canned: CannedService,
    tmp_path: Path,
    content: str,
    says: str,
) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(content)
    ended = ragserve("evaluate", str(path), "--url", canned.url)
    assert ended.code == 1
    assert says in ended.err
    assert canned.asked == []


def test_files_that_could_not_be_written_are_told_before_anything_is_asked(
    ragserve: Callable[..., Ended], canned: CannedService, questions: Path, tmp_path: Path
) -> None:
    output = str(tmp_path / "nowhere" / "answers.jsonl")
    ended = ragserve("evaluate", str(questions), "--url", canned.url, "--output", output)
    assert ended.code == 1
    assert "cannot be written" in ended.err
    assert canned.asked == []


def test_releases_are_asked_with_the_operators_key(
    ragserve: Callable[..., Ended],
    canned: CannedService,
    questions: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RAGSERVE_ADMIN_KEY", "secret")
    ended = ragserve("evaluate", str(questions), "--url", canned.url, "-r", "one", "-r", "two")
    assert ended.code == 0
    assert ended.out.splitlines()[0].split() == ["one", "two"]
    assert canned.keys == ["Bearer secret"] * len(canned.keys)


def test_questions_are_proposed_from_the_documents(
    ragserve: Callable[..., Ended], service: CannedService, tmp_path: Path
) -> None:
    document = {
        "id": "a",
        "path": "docs/a.md",
        "title": "A",
        "chunk_count": 1,
        "created_at": "2026-01-01T00:00:00+00:00",
        "metadata": {},
    }
    text = "The queue refuses work beyond two hundred waiting requests at once."
    chunk = {
        "id": "a-0",
        "ordinal": 0,
        "text": text,
        "heading": "X > When it is full",
        "page": None,
    }
    service.answers = [
        Answer({"documents": [document], "next_cursor": None}),
        Answer({"document_id": "a", "chunk_count": 1, "chunks": [chunk], "next": None}),
    ]
    path = tmp_path / "made.jsonl"
    ended = ragserve("evaluate", str(path), "--make", "2", "--url", service.url)
    assert (ended.code, ended.err) == (0, "")
    assert "2 questions are in" in ended.out
    made = [json.loads(line) for line in path.read_text().splitlines()]
    assert made[0] == {
        "question": "When it is full?",
        "document": "docs/a.md",
        "from": "When it is full",
    }
    assert set(made[1]["question"].split()) <= set(text.rstrip(".").split())
    service.answers = [Answer({"documents": [], "next_cursor": None})]
    again = ragserve("evaluate", str(path), "--make", "2", "--url", service.url)
    assert again.code == 1
    assert "is not written over" in again.err


def test_where_there_are_too_few_documents_there_are_fewer_questions(
    ragserve: Callable[..., Ended], service: CannedService, tmp_path: Path
) -> None:
    service.answers = [Answer({"documents": [], "next_cursor": None})]
    path = tmp_path / "made.jsonl"
    assert "0 questions" in ragserve("evaluate", str(path), "--make", "2", "--url", service.url).out
