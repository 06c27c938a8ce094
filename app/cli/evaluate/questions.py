"""Questions with what is known of their answers, from a JSONL file."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from app.client.errors import CliError


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else [] if value is None else value


Texts = Annotated[list[str], BeforeValidator(_as_list)]


class Known(BaseModel):
    """A question and what is known of it: one or several right answers, one or several documents
    (by path or id) that answer it, and whether the documents answer it at all. What is not known is
    not judged."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    question: str = Field(min_length=1, max_length=8000)
    answer: Texts = []
    document: Texts = []
    answerable: bool = True


def read_questions(path: Path) -> list[Known]:
    """Returns the questions of a file.

    Raises:
        CliError: it cannot be read, a line of it is no question, or there is none.
    """
    try:
        questions = list(_read(path))
    except (OSError, UnicodeDecodeError) as error:
        raise CliError(f"{path} cannot be read: {error}") from error
    if not questions:
        raise CliError(f"There is no question in {path}.", _FORM)
    return questions


_FORM = 'A line is: {"question": "...", "answer": "...", "document": "docs/a.md"}'


def _read(path: Path) -> Iterator[Known]:
    with path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                yield Known.model_validate(json.loads(line))
            except json.JSONDecodeError as error:
                raise CliError(f"{path}, line {number}: no JSON: {error.msg}", _FORM) from error
            except ValidationError as error:
                first = error.errors(include_url=False)[0]
                where = ".".join(map(str, first["loc"])) or "the line"
                raise CliError(f"{path}, line {number}: {where}: {first['msg']}", _FORM) from error
