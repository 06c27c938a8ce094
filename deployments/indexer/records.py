"""JSON and JSONL as documents: what a record's text, title and id are, what becomes metadata."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Self

from deployments.contracts.documents import Document, Part, ReadFailure, Scalar
from deployments.contracts.errors import InvalidRequest
from deployments.indexer.cleaning import (
    MAX_METADATA_CHARS,
    MAX_TITLE_CHARS,
    clean_metadata,
    clean_text,
    clean_title,
    document_id,
)
from deployments.indexer.formats import bounds
from deployments.indexer.formats.converted import left_out
from deployments.indexer.formats.pictures import drop_pictures

TEXT_FIELDS = ("text", "content", "body", "answer")
TITLE_FIELDS = ("title", "question", "name")
"""Fields of a record, in order of preference, letter case aside; the first that is not blank."""

_TOO_DEEP = "The JSON is nested too deeply."


class WrittenNumber(float):
    """A number with a fraction that knows how it was written: 1.50, or 1e400, which is none."""

    def __new__(cls, text: str) -> Self:
        """Returns the number that stands there."""
        made = super().__new__(cls, text)
        made.text = text
        return made

    text: str


def read_lines(
    path: str, lines: Iterable[str], metadata: Mapping[str, Scalar]
) -> Iterator[Document | ReadFailure]:
    """Yields a document or a failure per line of JSON; blank lines are passed over."""
    filled = ((n, line) for n, line in enumerate(lines, start=1) if line.strip(" \t\r\n"))
    yield from _read_records(path, filled, metadata, parse=_parse_line)


def read_json(
    path: str, text: str, metadata: Mapping[str, Scalar], *, default_title: str
) -> Iterator[Document | ReadFailure]:
    """Yields the documents of a JSON file: one per object of a list that has texts, else one."""
    value = _parse_json(text)
    if isinstance(value, list) and _is_records(value):
        items = enumerate(value, start=1)
        yield from _read_records(path, items, metadata, parse=lambda item, _: item)
    elif isinstance(value, dict) and _find_field(value, TEXT_FIELDS):
        yield _build_record(path, value, metadata, default_title=default_title)
    else:
        text = clean_text(render_value(value)).strip("\n")
        if not text.strip():
            raise InvalidRequest("The file has no text.")
        title = default_title[:MAX_TITLE_CHARS]
        yield Document(document_id(path), path, title, (Part(text),), metadata, markup="plain")


def render_value(value: object) -> str:
    """Returns parsed JSON as "key: value" lines, the keys of nested objects joined with dots.

    Items of an outermost list become paragraphs. Nulls and blank strings leave nothing.

    Raises:
        InvalidRequest: Nested too deeply, or too long.
    """
    try:
        if isinstance(value, list):
            items = ("\n".join(_flatten(item, "")) for item in value)
            return bounds.join_bounded(filter(None, items), "\n\n")
        return bounds.join_bounded(_flatten(value, ""), "\n")
    except RecursionError as error:
        raise InvalidRequest(_TOO_DEEP) from error


def _flatten(value: object, path: str) -> Iterator[str]:
    path = path[-bounds.MAX_LABEL_CHARS :]
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flatten(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        for index, item in enumerate(value):
            yield from _flatten(item, f"{path}[{index}]")
    else:
        scalars = value if isinstance(value, list) else [value]
        text = ", ".join(_as_written(scalar) for scalar in scalars if scalar not in (None, ""))
        if text.strip():
            yield f"{path}: {text}" if path else text


def _as_written(scalar: object) -> str:
    if isinstance(scalar, bool):
        return "true" if scalar else "false"
    return scalar.text if isinstance(scalar, WrittenNumber) else str(scalar)


def _is_records(items: list[object]) -> bool:
    objects = [item for item in items if isinstance(item, dict)]
    has_text = any(_find_field(item, TEXT_FIELDS) for item in objects)
    return has_text and len(objects) == len(items)


def _read_records(
    path: str,
    numbered: Iterable[tuple[int, object]],
    metadata: Mapping[str, Scalar],
    *,
    parse: Callable[[object, int], object],
) -> Iterator[Document | ReadFailure]:
    """Yields a document or a failure per record; each is known by its id, else by its number.

    An id that comes again gets the number as a suffix, lest the record replace the earlier one.
    """
    seen: set[str] = set()
    for number, raw in numbered:
        key = str(number)
        outcome: Document | ReadFailure
        try:
            value = parse(raw, number)
            key = _find_record_id(value) or key
            while key in seen:
                key = f"{key}@{number}"
            outcome = _build_record(f"{path}#{key}", value, metadata)
        except InvalidRequest as error:
            outcome = ReadFailure(f"{path}#{key}", error.message)
        except (ValueError, RecursionError):
            outcome = ReadFailure(f"{path}#{key}", "The record cannot be read.")
        seen.add(key)
        yield outcome
    if not seen:
        raise InvalidRequest("The file has no records.")


def _build_record(
    path: str, value: object, metadata: Mapping[str, Scalar], *, default_title: str = ""
) -> Document:
    """Returns the document of one record: text and title from known fields, the rest metadata.

    A record without a known text field is rendered whole. Strings that are too long for metadata
    are added to the text, so that they can be found; nested values beside a text are left out,
    which is said, except an object `metadata`, which counts as fields of the record.
    """
    items = value.items() if isinstance(value, dict) else ()
    fields = {key: item for key, item in items if key.lower() != "id"}
    text_key = _find_field(fields, TEXT_FIELDS)
    titles = {key: _as_title(item) for key, item in fields.items()}
    title_key = _find_field(titles, TITLE_FIELDS)
    title = clean_title(titles.get(title_key, ""))
    rest = {key: item for key, item in fields.items() if key not in (text_key, title_key)}
    if text_key:
        long = {k: v for k, v in rest.items() if isinstance(v, str) and len(v) > MAX_METADATA_CHARS}
        pieces = [title if len(title) > MAX_TITLE_CHARS else "", fields[text_key]]
        text = "\n\n".join(piece for piece in (*pieces, render_value(long)) if piece)
    else:
        text = render_value(fields or ({} if isinstance(value, dict) else value))
    text, picture_count = drop_pictures(clean_text(text).strip("\n"))
    if not text.strip():
        raise InvalidRequest("The record has no text.")
    own_metadata = rest.pop("metadata", None)
    named = {**(own_metadata if isinstance(own_metadata, dict) else {}), **rest}
    nested = tuple(key for key, item in named.items() if text_key and isinstance(item, dict | list))
    left = [
        left_out(picture_count, "embedded picture"),
        left_out(len(nested), "nested field", names=nested),
    ]
    own = clean_metadata(named)
    title = (title or default_title)[:MAX_TITLE_CHARS]
    return Document(
        document_id(path),
        path,
        title,
        (Part(text),),
        {**own, **metadata},
        markup="markdown" if text_key else "plain",
        warnings=tuple(filter(None, left)),
    )


def _find_field(fields: Mapping[str, object], names: Iterable[str]) -> str:
    """Returns the key of the first of `names` that has text, letter case aside; "" for none."""
    filled = (key for key, value in fields.items() if isinstance(value, str) and value.strip())
    keys = {key.lower(): key for key in filled}
    return next((keys[name] for name in names if name in keys), "")


def _as_title(item: object) -> str:
    """Returns what can be a title, of which some are numbers, as text; "" for anything else."""
    is_number = isinstance(item, int | float) and not isinstance(item, bool)
    return _as_written(item) if is_number or isinstance(item, str) else ""


def _find_record_id(value: object) -> str:
    """Returns the `id` of a record as one line of at most 200 characters; "" for none."""
    fields = value if isinstance(value, dict) else {}
    found = next((item for key, item in fields.items() if key.lower() == "id"), None)
    is_id = isinstance(found, str | int) and not isinstance(found, bool)
    return clean_title(str(found))[:200] if is_id else ""


def _parse_line(line: object, number: int) -> object:
    return _parse_json(str(line), first_line=number)


def _parse_json(text: str, *, first_line: int = 1) -> object:
    try:
        return json.loads(
            text, strict=False, parse_float=WrittenNumber, parse_constant=WrittenNumber
        )
    except json.JSONDecodeError as error:
        line = first_line + error.lineno - 1
        message = f"Line {line} is not valid JSON, from column {error.colno} on."
        raise InvalidRequest(message) from error
    except ValueError as error:
        raise InvalidRequest("The JSON has a number with too many digits.") from error
    except RecursionError as error:
        raise InvalidRequest(_TOO_DEEP) from error
