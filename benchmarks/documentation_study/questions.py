"""The questions, and the documents that they are asked of.

A line of `questions/NAME.jsonl` is a question over the documentation NAME: `half` is `dev`, to
which settings may be fitted, or `held`, which only judges. An answer is right if it holds one text
of each group in `must` and none of `must_not`; `head` is the word that it has to begin with,
`block` what it has to show whole. Where `answerable` is false, the documents do not say it.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from benchmarks.quality.datasets import BadData
from benchmarks.quality.ingest import DATASET_KEY, id_of, path_of
from deployments.contracts.documents import Document, Upload
from deployments.indexer.documents import read_documents

Half = Literal["dev", "held"]
BlockKind = Literal["code", "table", "list"]
FOLDER = Path(__file__).parent / "questions"
OWN = "ragserve"
OWN_DOCUMENTS = Path(__file__).parents[2] / "docs"


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and what its answer must and must not hold."""

    id: str
    half: Half
    type: str
    text: str
    must: tuple[tuple[str, ...], ...] = ()
    must_not: tuple[str, ...] = ()
    head: str = ""
    block: BlockKind | None = None
    answerable: bool = True


@dataclass(frozen=True, slots=True)
class Documentation:
    """A folder of Markdown files, as they stand and as documents of the index."""

    sources: tuple[str, ...]
    documents: tuple[Document, ...]


def known_names() -> list[str]:
    """Returns the names of all documentation that there are questions about."""
    return sorted(file.stem for file in FOLDER.glob("*.jsonl"))


def read_questions(name: str) -> list[Question]:
    """Returns the questions about a documentation in their order; raises BadData."""
    file = FOLDER / f"{name}.jsonl"
    # Only at "\n": other separators may stand inside a JSON string.
    lines = file.read_text(encoding="utf-8").split("\n")
    return [_question(line, f"{file}:{place}") for place, line in enumerate(lines, 1) if line]


def read_documentation(name: str, folder: Path) -> Documentation:
    """Returns the Markdown files of a folder, read as the service reads them; raises BadData."""
    files = sorted(folder.rglob("*.md"))
    if not files:
        raise BadData(f"{folder} has no Markdown files.")
    return Documentation(
        tuple(file.read_text(encoding="utf-8") for file in files),
        tuple(one for file in files for one in _documents(name, folder, file)),
    )


def _documents(name: str, folder: Path, file: Path) -> Iterator[Document]:
    path = path_of(name, file.relative_to(folder).as_posix())
    for one in read_documents(Upload(path, file.read_bytes())):
        if isinstance(one, Document):
            yield replace(one, id=id_of("", one.path), metadata={**one.metadata, DATASET_KEY: name})


def _question(line: str, place: str) -> Question:
    try:
        record: dict[str, Any] = json.loads(line)
        question = Question(
            id=record["id"],
            half=record["half"],
            type=record["type"],
            text=record["question"],
            must=tuple(map(tuple, record.get("must", ()))),
            must_not=tuple(record.get("must_not", ())),
            head=record.get("head", ""),
            block=record.get("block"),
            answerable=record.get("answerable", True),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise BadData(f"{place}: this is no question: {error!r}.") from error
    if question.half not in get_args(Half) or question.answerable != bool(question.must):
        raise BadData(f"{place}: an answerable question has a half, and `must`.")
    return question


def of_half(questions: Sequence[Question], half: Half) -> list[Question]:
    """Returns the questions of one half."""
    return [question for question in questions if question.half == half]
