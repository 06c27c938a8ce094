"""The lines of a file: JSONL in OpenAI's form, or plain text with a question on each line.

A file with a mistake of form is no batch, and every mistake is named by its line. What is wrong
inside a line's body is not looked at here: the line is answered with the problem.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeGuard

from deployments.batches.contract import ENDPOINTS, LineError

_MOST_ERRORS = 100
"""Mistakes that are named; whoever mends them hears of the next ones."""
_MAX_ID_CHARS = 512
TEXT_ENDPOINTS = ("/v1/query", "/v1/search")
"""Paths that a line of plain text can be a question to."""


@dataclass(frozen=True, slots=True)
class ParsedLine:
    """One request; `body` is JSON."""

    custom_id: str
    url: str
    body: str


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """The lines of a file and the path that they name, or why they are none."""

    endpoint: str
    lines: tuple[ParsedLine, ...]
    errors: tuple[LineError, ...]


def parse_file(content: bytes, endpoint: str, *, max_lines: int, max_line_bytes: int) -> ParsedFile:
    """Returns the lines of a file of JSONL. Lines with nothing on them are passed over.

    Args:
        content: The file.
        endpoint: The path that every line must name; empty for that of the first line.
        max_lines: How many there may be.
        max_line_bytes: How long each may be.
    """
    reader = _Reader(endpoint, max_lines, max_line_bytes)
    for number, raw in _numbered(content):
        reader.read(number, raw)
        if len(reader.errors) >= _MOST_ERRORS:
            break
    if not reader.lines and not reader.errors:
        reader.errors.append(LineError("empty_file", "The file has no lines."))
    lines = () if reader.errors else tuple(reader.lines)
    return ParsedFile(reader.endpoint, lines, tuple(reader.errors))


def jsonl_of_text(content: str, endpoint: str) -> bytes:
    """Returns plain text, whose every line is a question, in the form of JSONL. The ids name the
    lines of the text, from 1.

    >>> jsonl_of_text("Why?", "/v1/query").decode().rstrip()
    '{"custom_id": "line-1", "method": "POST", "url": "/v1/query", "body": {"query": "Why?"}}'
    """
    lines = (
        json.dumps(
            {
                "custom_id": f"line-{number}",
                "method": "POST",
                "url": endpoint,
                "body": {"query": line.strip()},
            }
        )
        for number, line in enumerate(content.removeprefix("\ufeff").split("\n"), start=1)
        if line.strip()
    )
    return "".join(f"{line}\n" for line in lines).encode()


class _Reader:
    """Reads line after line, and keeps what is wrong with them."""

    def __init__(self, endpoint: str, max_lines: int, max_line_bytes: int) -> None:
        self.endpoint = endpoint
        self.lines: list[ParsedLine] = []
        self.errors: list[LineError] = []
        self._seen: dict[str, int] = {}
        self._max_lines = max_lines
        self._max_line_bytes = max_line_bytes

    def read(self, number: int, raw: bytes) -> None:
        if len(raw) > self._max_line_bytes:
            says = f"It has {len(raw)} bytes; {self._max_line_bytes} is the most."
            self._wrong(number, "line_too_long", says)
            return
        try:
            # Constants such as NaN are no JSON, and no database must hold what nobody can read.
            entry = json.loads(raw.decode(), parse_constant=_no_json)
        except (ValueError, RecursionError):
            self._wrong(number, "invalid_json_line", "It is not JSON.")
            return
        if not isinstance(entry, dict):
            self._wrong(number, "invalid_json_line", "It is JSON, but no object.")
            return
        if (line := self._request(number, entry)) is None:
            return
        if len(self.lines) == self._max_lines:
            self.errors.append(
                LineError("too_many_lines", f"There are more than {self._max_lines} lines.", number)
            )
            return
        self.lines.append(line)

    def _request(self, number: int, entry: dict[str, object]) -> ParsedLine | None:
        """Returns the request of a line; None where its form is wrong."""
        custom_id, url, body = entry.get("custom_id"), entry.get("url"), entry.get("body")
        before = len(self.errors)
        if not _is_id(custom_id):
            says = f"`custom_id` must be a printable text of 1 to {_MAX_ID_CHARS} characters."
            self._wrong(number, "invalid_custom_id", says, "custom_id")
        elif custom_id in self._seen:
            says = f"`custom_id` is that of line {self._seen[custom_id]}, too."
            self._wrong(number, "duplicate_custom_id", says, "custom_id")
        else:
            self._seen[custom_id] = number
        if entry.get("method", "POST") != "POST":
            self._wrong(number, "invalid_method", "`method` must be POST.", "method")
        if not isinstance(url, str) or url not in ENDPOINTS:
            says = f"`url` must be one of {', '.join(ENDPOINTS)}."
            self._wrong(number, "invalid_url", says, "url")
        else:
            self.endpoint = self.endpoint or url
            if url != self.endpoint:
                says = f"`url` must be that of the batch, {self.endpoint}."
                self._wrong(number, "mismatched_url", says, "url")
        if not isinstance(body, dict):
            self._wrong(number, "missing_body", "`body` must be an object.", "body")
        if len(self.errors) > before:
            return None
        assert isinstance(custom_id, str), "it was looked at above"
        assert isinstance(url, str), "it was looked at above"
        return ParsedLine(custom_id, url, json.dumps(body, separators=(",", ":")))

    def _wrong(self, number: int, code: str, message: str, param: str | None = None) -> None:
        self.errors.append(LineError(code, message, number, param))


def _numbered(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yields the lines that have something on them, with their numbers from 1."""
    for number, raw in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if line := raw.strip():
            yield number, line


def _is_id(value: object) -> TypeGuard[str]:
    """Returns whether a value can name a line: no database keeps zeros and halves of characters."""
    return isinstance(value, str) and 0 < len(value) <= _MAX_ID_CHARS and value.isprintable()


def _no_json(name: str) -> object:
    raise ValueError(f"{name} is no JSON")
