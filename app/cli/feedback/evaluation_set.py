"""A set of questions with known answers, made of answers that were rated, in the form that
`benchmarks.answers` reads."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.client.errors import CliError
from deployments.contracts.generation import without_citations

_LIKED = 0.75
_SHORT_WORDS = 8
"""A correction of so many words is looked for in an answer as it stands; of a longer one it is
measured how many of its words an answer has."""


@dataclass(slots=True)
class EvaluationSet:
    """Questions, and the passages that their answers were written from.

    Attributes:
        documents: Lines of `corpus.jsonl`, by id.
        questions: Lines of `qa.jsonl`.
        disliked: Answers that were left out because nobody said what is right.
        unrecorded: Those of which no trace has the texts.
    """

    documents: dict[str, dict[str, str]] = field(default_factory=dict)
    questions: list[dict[str, Any]] = field(default_factory=list)
    disliked: int = 0
    unrecorded: int = 0


def evaluation_set(ratings: Iterable[Mapping[str, Any]]) -> EvaluationSet:
    """Returns the set that ratings make. Of an answer that several people rate, a correction counts
    before all else, and then the lowest score: what one of them finds wrong is no known answer.

    Args:
        ratings: The lowest scores first.
    """
    by_answer: dict[str, list[Mapping[str, Any]]] = {}
    for one in ratings:
        by_answer.setdefault(one["request_id"], []).append(one)
    made = EvaluationSet()
    for several in by_answer.values():
        corrected = [one for one in several if one["correction"].strip()]
        _add(made, (corrected or several)[0])
    return made


def write_set(made: EvaluationSet, folder: Path) -> None:
    """Writes a set into a new folder.

    Raises:
        CliError: there is nothing to write, or the folder has something in it.
    """
    if not made.questions:
        raise CliError(
            "No answer was liked or corrected whose texts are recorded: there is nothing to write.",
            "Traces keep texts where `recording.content` is full or redacted, and MLflow has them.",
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CliError(f"{folder} is not empty.", "Name a new folder.")
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "corpus.jsonl", made.documents.values())
    _write(folder / "qa.jsonl", made.questions)


def _add(made: EvaluationSet, one: Mapping[str, Any]) -> None:
    recorded = one["recorded"] or {}
    if not recorded.get("question"):
        made.unrecorded += 1
        return
    known = _known_answer(one, recorded)
    if known is None:
        made.disliked += 1
        return
    question = {"id": one["id"], "question": recorded["question"], "answerable": True}
    made.questions.append(question | known)
    for passage in recorded["passages"]:
        made.documents[passage["id"]] = dict(passage)


def _known_answer(one: Mapping[str, Any], recorded: Mapping[str, Any]) -> dict[str, Any] | None:
    """Returns what is right: what a correction says, or the answer where it was liked."""
    if correction := one["correction"].strip():
        if len(correction.split()) <= _SHORT_WORDS:
            return {"answers": [correction]}
        return {"long_answer": correction}
    if one["score"] < _LIKED or not recorded["answer"]:
        return None
    return {"long_answer": without_citations(recorded["answer"]).strip()}


def _write(file: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    file.write_text(text, encoding="utf-8")
