"""Reads a folder of judged questions: documents, queries, judgements, questions with answers.

A folder has `corpus.jsonl` with {id, title, text}. For retrieval it has `queries.jsonl` with
{id, text} and `qrels.tsv` with query, document and grade, separated by tabs and without a header;
for answers it has `qa.jsonl` with {id, question, answers, answerable} or a `long_answer` in place
of `answers`. Each may be compressed, with `.gz` after its name.
"""

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CORPUS, QUERIES, JUDGEMENTS, QUESTIONS = "corpus.jsonl", "queries.jsonl", "qrels.tsv", "qa.jsonl"

Judgements = Mapping[str, Mapping[str, int]]
"""Grade by document, by query; above 0 is relevant."""


class BadData(ValueError):
    """A folder or a file that is not what it should be; the message is for whoever named it."""


@dataclass(frozen=True, slots=True)
class CorpusDocument:
    """A document of a data set."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class JudgedQuestion:
    """A question, and what is known of its answer.

    `answers` are short strings of which any one is right, `long_answer` is a passage that says the
    same in many words; a data set has the one or the other. Where `answerable` is False, the
    documents do not say it.
    """

    id: str
    text: str
    answers: tuple[str, ...]
    long_answer: str
    answerable: bool


def name_of(folder: Path) -> str:
    """Returns what the data set is called: the name of its folder.

    Raises:
        BadData: there is no such folder.
    """
    if not folder.is_dir():
        raise BadData(f"There is no folder {folder}.")
    return folder.resolve().name


def read_corpus(folder: Path) -> list[CorpusDocument]:
    """Returns the documents in their order; raises BadData, also where an id comes twice."""
    documents = {}
    file = _find(folder, CORPUS)
    for place, record in _records(file):
        document = CorpusDocument(
            _text(record, "id", place),
            _text(record, "title", place, ""),
            _text(record, "text", place),
        )
        if document.id in documents:
            raise BadData(f"{place}: the id '{document.id}' comes twice.")
        documents[document.id] = document
    return list(documents.values())


def read_queries(folder: Path) -> dict[str, str]:
    """Returns the text of each query by its id, in their order; raises BadData."""
    return {
        _text(record, "id", place): _text(record, "text", place)
        for place, record in _records(_find(folder, QUERIES))
    }


def read_judgements(folder: Path) -> Judgements:
    """Returns the grades; raises BadData."""
    judgements: dict[str, dict[str, int]] = {}
    for place, line in _lines(_find(folder, JUDGEMENTS)):
        fields = line.split("\t")
        try:
            query, document, grade = fields
            judgements.setdefault(query, {})[document] = int(grade)
        except ValueError:
            raise BadData(f"{place}: this is not query, document and grade.") from None
    return judgements


def read_questions(folder: Path) -> list[JudgedQuestion]:
    """Returns the questions in their order; raises BadData."""
    return [
        JudgedQuestion(
            id=_text(record, "id", place),
            text=_text(record, "question", place),
            answers=_answers(record, place),
            long_answer=_text(record, "long_answer", place, ""),
            answerable=bool(record.get("answerable", True)),
        )
        for place, record in _records(_find(folder, QUESTIONS))
    ]


def _find(folder: Path, name: str) -> Path:
    name_of(folder)
    for file in (folder / name, folder / f"{name}.gz"):
        if file.is_file():
            return file
    raise BadData(f"{folder} has no {name}, and no {name}.gz.")


def _lines(file: Path) -> Iterator[tuple[str, str]]:
    """Yields the place of each line and the line; blank ones are passed over."""
    try:
        content = file.read_bytes()
        text = (gzip.decompress(content) if file.suffix == ".gz" else content).decode("utf-8")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise BadData(f"{file} cannot be read: {error}") from error
    # Only at "\n": other separators may stand inside a JSON string.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield f"{file}:{number}", line.rstrip("\r")


def _records(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    empty = True
    for place, line in _lines(file):
        try:
            record = json.loads(line)
        except ValueError as error:
            raise BadData(f"{place}: this is not JSON.") from error
        if not isinstance(record, dict):
            raise BadData(f"{place}: this is not a JSON object.")
        empty = False
        yield place, record
    if empty:
        raise BadData(f"{file} is empty.")


def _text(record: Mapping[str, Any], field: str, place: str, default: str | None = None) -> str:
    value = record.get(field, default)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise BadData(f'{place}: "{field}" must be a text.')
    return value


def _answers(record: Mapping[str, Any], place: str) -> tuple[str, ...]:
    answers = record.get("answers", [])
    if not isinstance(answers, list) or not all(isinstance(answer, str) for answer in answers):
        raise BadData(f'{place}: "answers" must be a list of texts.')
    return tuple(answers)
