"""Reads a file into documents: by the extension of its name, one document or one per record.

Decided here: what a record's text, title and id are, what may become metadata, what a heading is.
The libraries that read binary formats are behind `converters`. Reading never raises for a bad
file: a `ReadFailure` takes the place of the document, and the other records go on.
"""

import csv
import hashlib
import io
import json
import logging
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import PurePosixPath

from deployments.contracts import Document, Part, Scalar, Upload
from deployments.errors import InvalidRequest, RequestError, UnsupportedMedia
from deployments.indexer import converters
from deployments.indexer.converters import Converted

TEXT_FIELDS = ("text", "content", "body", "answer")
TITLE_FIELDS = ("title", "question", "name")
"""Fields of a record, in order of preference, letter case aside; the first that is not blank."""

RESERVED_KEYS = frozenset(
    (
        *("chunk_count", "created_at", "document_id", "fingerprint", "heading", "ordinal"),
        *("page", "path", "sequence", "text", "title"),
    )
)
"""What the index itself keeps beside a chunk. A file's key of that name gets the prefix `meta_`."""

MAX_TITLE_CHARS = 300
MAX_METADATA_KEYS = 64
MAX_METADATA_CHARS = 1000
"""Metadata is stored with every chunk; keys and characters beyond the bound are dropped from it."""

_LOGGER = logging.getLogger(__name__)

_TOO_DEEP = "The JSON is nested too deeply."
_UNCLEAN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_LINE_END = re.compile(r"\r\n?|[\x0b\x0c\x85]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_BLOCK = re.compile(
    r"^ {0,3}(?P<fence>`{3,}(?=[^`\n]*$)|~{3,})"
    r"|^(?P<marks>#{1,6})[ \t]+(?P<atx>\S[^\n]{0,199})$"
    r"|(?<![^\n]\n)^(?P<setext>[^\s#<>|+*=~`-][^\n]{0,199})\n(?P<rule>=+|-{2,})[ \t]*$",
    re.M,
)
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_MARKUP = re.compile(r"</?\w[^>]*>|\*\*|\u200b|\\(?=[!-/:-@\[-`{-~])|(\s+#+|\s*\{:?\s*#[^}]*\})+$")


@dataclass(frozen=True, slots=True)
class ReadFailure:
    """A file or a record that gave no document. `message` is for the person who sent it."""

    path: str
    message: str


@dataclass(frozen=True, slots=True)
class Heading:
    """A Markdown heading: the characters `start:end` of a text, and what they say as plain text."""

    level: int
    title: str
    start: int
    end: int


def read_documents(upload: Upload) -> Iterator[Document | ReadFailure]:
    """Yields the documents of a file in its order, with a failure in the place of each bad one.

    JSONL gives a document per line, and so does a JSON list of objects of which any has text;
    everything else is one document. Records are made one at a time.
    """
    path = clean_text(upload.name)
    metadata = clean_metadata(upload.metadata)
    try:
        extension, content = _unpack(path, upload.content)
        if extension in _LINES:
            lines = io.StringIO(converters.decode_text(content), newline="\n")
            filled = ((n, line) for n, line in enumerate(lines, start=1) if line.strip(" \t\r\n"))
            yield from _read_records(path, filled, metadata, parse=_parse_line)
        elif extension == ".json":
            yield from _read_json(path, _parse_json(converters.decode_text(content)), metadata)
        else:
            converted = _READERS[extension](content)
            yield _build_document(path, converted, metadata, has_headings=extension in _HEADED)
    except RequestError as error:
        _LOGGER.info("cannot read %s: %s (%r)", path, error.message, error.__cause__)
        yield ReadFailure(path, error.message)


def is_readable_name(name: str) -> bool:
    """Returns whether the extension is one that a converter reads, compressed text included."""
    path = PurePosixPath(name.lower())
    if path.suffix == ".gz":
        return PurePosixPath(path.stem).suffix in _TEXT_EXTENSIONS
    return path.suffix in _EXTENSIONS


def document_id(path: str) -> str:
    """Returns the id of the source at `path`: "doc_" and 96 bits of its SHA-256."""
    return "doc_" + hashlib.sha256(path.encode("utf-8", "replace")).hexdigest()[:24]


def clean_text(text: str) -> str:
    """Returns the text with "\\n" as its only line end, and without what no store or model takes.

    Control characters go; a lone surrogate, which UTF-8 cannot encode, becomes U+FFFD.
    """
    if _UNCLEAN.search(text) is None:
        return text
    return _SURROGATE.sub("\ufffd", _CONTROL.sub("", _LINE_END.sub("\n", text)))


def clean_metadata(fields: Mapping[str, object]) -> dict[str, Scalar]:
    """Returns the fields that can be stored and filtered by, in the form that can.

    Dates become ISO text and integers beyond 64 bits decimal text. Nested values, nulls, blank
    strings, NaN and infinities go. Keys that the index needs, or that its filter language would
    take for an operator, get the prefix `meta_`.
    """
    metadata: dict[str, Scalar] = {}
    for raw_key, raw_value in fields.items():
        key = " ".join(clean_text(str(raw_key)).split())
        value: object = raw_value.isoformat() if isinstance(raw_value, date) else raw_value
        if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**63:
            value = str(value)
        if isinstance(value, str):
            value = clean_text(value).strip()[:MAX_METADATA_CHARS]
        is_storable = isinstance(value, bool | int | float) and math.isfinite(value)
        if key and (is_storable or (isinstance(value, str) and value)):
            is_reserved = key in RESERVED_KEYS or key.startswith(("$", "#", "chroma:"))
            metadata[f"meta_{key}" if is_reserved else key] = value  # type: ignore[assignment]
        if len(metadata) == MAX_METADATA_KEYS:
            break
    return metadata


def find_headings(text: str) -> list[Heading]:
    """Returns the headings of a Markdown text in order, those in fenced code blocks left out.

    Narrower than CommonMark on purpose: a heading starts in the first column (an indented "#" is
    mostly a comment in code) and has at most 200 characters (more is a paragraph gone wrong).
    """
    headings: list[Heading] = []
    position = 0
    while match := _BLOCK.search(text, position):
        position = match.end()
        if fence := match["fence"]:
            closing = re.compile(rf"^ {{0,3}}{fence[0]}{{{len(fence)},}}[ \t]*$", re.M)
            end = closing.search(text, position)
            position = end.end() if end else len(text)
        else:
            level = len(match["marks"] or "") or (1 if match["rule"][0] == "=" else 2)
            title = _strip_markup(match["atx"] or match["setext"])
            headings.append(Heading(level, title, match.start(), match.end()))
    return headings


def _strip_markup(title: str) -> str:
    """Returns a heading as plain text: "Use `x` { #use-x }" gives "Use `x`"."""
    return _MARKUP.sub("", _LINK.sub(r"\1", title.strip())).strip()


def render_value(value: object) -> str:
    """Returns parsed JSON as "key: value" lines, the keys of nested objects joined with dots.

    Items of an outermost list become paragraphs. Nulls and blank strings leave nothing.

    Raises:
        InvalidRequest: Nested too deeply, or too long.
    """
    try:
        if isinstance(value, list):
            items = ("\n".join(_flatten(item, "")) for item in value)
            return converters.join_bounded(filter(None, items), "\n\n")
        return converters.join_bounded(_flatten(value, ""), "\n")
    except RecursionError as error:
        raise InvalidRequest(_TOO_DEEP) from error


def _flatten(value: object, path: str) -> Iterator[str]:
    path = path[-converters.LABEL_CHARS :]
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flatten(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        for index, item in enumerate(value):
            yield from _flatten(item, f"{path}[{index}]")
    else:
        scalars = value if isinstance(value, list) else [value]
        text = ", ".join(str(scalar) for scalar in scalars if scalar not in (None, ""))
        if text.strip():
            yield f"{path}: {text}" if path else text


def _unpack(path: str, content: bytes) -> tuple[str, bytes]:
    """Returns the extension that decides the format, and the content out of its gzip wrapper."""
    name = PurePosixPath(path.lower())
    is_gzip = name.suffix == ".gz"
    extension = PurePosixPath(name.stem).suffix if is_gzip else name.suffix
    if extension not in (_TEXT_EXTENSIONS if is_gzip else _EXTENSIONS):
        suffix = extension + name.suffix * is_gzip
        what = f'files ending in "{suffix}"' if suffix else "files without an extension"
        known = f"{' '.join(sorted(_EXTENSIONS))}, and the text formats also with .gz"
        raise UnsupportedMedia(f"Nothing here reads {what}. What is read: {known}.")
    content = converters.inflate(content) if is_gzip else content
    if not content:
        raise InvalidRequest("The file is empty.")
    return extension, content


def _read_plain(content: bytes) -> Converted:
    return Converted((Part(converters.decode_text(content)),))


def _read_markdown(content: bytes) -> Converted:
    fields, text = converters.read_front_matter(converters.decode_text(content))
    title = fields.get("title")
    rest = {key: value for key, value in fields.items() if key != "title"}
    return Converted((Part(text),), title=title if isinstance(title, str) else "", metadata=rest)


def _read_rst(content: bytes) -> Converted:
    return Converted((Part(converters.convert_rst(clean_text(converters.decode_text(content)))),))


def _read_table(content: bytes, *, delimiter: str = "") -> Converted:
    text = converters.decode_text(content)
    header = re.sub(r'"[^"]*"', "", text[: text.find("\n") + 1] or text)
    delimiter = delimiter or max(",;\t|", key=header.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        return Converted((Part(converters.render_rows(rows)),))
    except csv.Error as error:
        reason = f"Line {rows.line_num} of the table cannot be read"
        raise InvalidRequest(f"{reason}: a quote is open, or a cell is too long.") from error


def _build_document(
    path: str, converted: Converted, metadata: Mapping[str, Scalar], *, has_headings: bool
) -> Document:
    texts = [(clean_text(part.text).strip("\n"), part.page) for part in converted.parts]
    parts = tuple(Part(text, page) for text, page in texts if text.strip())
    if not parts:
        raise InvalidRequest("The file has no text.")
    title = _clean_title(converted.title)
    if not title and has_headings:
        headings = (heading for part in parts for heading in find_headings(part.text))
        title = next((heading.title for heading in headings if heading.level == 1), "")
    merged = {**clean_metadata(converted.metadata), **metadata}
    title = (title or _stem(path))[:MAX_TITLE_CHARS]
    return Document(document_id(path), path, title, parts, merged)


def _stem(path: str) -> str:
    return PurePosixPath(path.replace("\\", "/").removesuffix(".gz")).stem


def _clean_title(title: str) -> str:
    return " ".join(clean_text(title).split())


def _read_json(
    path: str, value: object, metadata: Mapping[str, Scalar]
) -> Iterator[Document | ReadFailure]:
    if isinstance(value, list) and _is_records(value):
        items = enumerate(value, start=1)
        yield from _read_records(path, items, metadata, parse=lambda item, _: item)
    elif isinstance(value, dict) and _find_field(value, TEXT_FIELDS):
        yield _build_record(path, value, metadata, default_title=_stem(path))
    else:
        converted = Converted((Part(render_value(value)),))
        yield _build_document(path, converted, metadata, has_headings=False)


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
        seen.add(key)
        yield outcome
    if not seen:
        raise InvalidRequest("The file has no records.")


def _build_record(
    path: str, value: object, metadata: Mapping[str, Scalar], *, default_title: str = ""
) -> Document:
    """Returns the document of one record: text and title from known fields, the rest metadata.

    A record without a known text field is rendered whole. Strings that are too long for metadata
    are added to the text, so that they can be found; nested values beside a text are dropped,
    except an object `metadata`, which counts as fields of the record.
    """
    items = value.items() if isinstance(value, dict) else ()
    fields = {key: item for key, item in items if key.lower() != "id"}
    text_key, title_key = _find_field(fields, TEXT_FIELDS), _find_field(fields, TITLE_FIELDS)
    title = _clean_title(fields[title_key]) if title_key else ""
    rest = {key: item for key, item in fields.items() if key not in (text_key, title_key)}
    if text_key:
        long = {k: v for k, v in rest.items() if isinstance(v, str) and len(v) > MAX_METADATA_CHARS}
        pieces = [title if len(title) > MAX_TITLE_CHARS else "", fields[text_key]]
        text = "\n\n".join(piece for piece in (*pieces, render_value(long)) if piece)
    else:
        text = render_value(fields or ({} if isinstance(value, dict) else value))
    text = clean_text(text).strip("\n")
    if not text.strip():
        raise InvalidRequest("The record has no text.")
    nested = rest.pop("metadata", None)
    own = clean_metadata({**(nested if isinstance(nested, dict) else {}), **rest})
    title = (title or default_title)[:MAX_TITLE_CHARS]
    return Document(document_id(path), path, title, (Part(text),), {**own, **metadata})


def _find_field(fields: Mapping[str, object], names: Iterable[str]) -> str:
    """Returns the key of the first of `names` that has text, letter case aside; "" for none."""
    filled = (key for key, value in fields.items() if isinstance(value, str) and value.strip())
    keys = {key.lower(): key for key in filled}
    return next((keys[name] for name in names if name in keys), "")


def _find_record_id(value: object) -> str:
    """Returns the `id` of a record as one line of at most 200 characters; "" for none."""
    fields = value if isinstance(value, dict) else {}
    found = next((item for key, item in fields.items() if key.lower() == "id"), None)
    is_id = isinstance(found, str | int) and not isinstance(found, bool)
    return _clean_title(str(found))[:200] if is_id else ""


def _parse_line(line: object, number: int) -> object:
    return _parse_json(str(line), first_line=number)


def _parse_json(text: str, *, first_line: int = 1) -> object:
    try:
        return json.loads(text, strict=False)
    except json.JSONDecodeError as error:
        line = first_line + error.lineno - 1
        message = f"Line {line} is not valid JSON, from column {error.colno} on."
        raise InvalidRequest(message) from error
    except ValueError as error:
        raise InvalidRequest("The JSON has a number with too many digits.") from error
    except RecursionError as error:
        raise InvalidRequest(_TOO_DEEP) from error


_LINES = frozenset((".jsonl", ".ndjson"))
_READERS: Mapping[str, Callable[[bytes], Converted]] = {
    **dict.fromkeys((".md", ".markdown"), _read_markdown),
    **dict.fromkeys((".txt", ".text", ".log"), _read_plain),
    ".rst": _read_rst,
    **dict.fromkeys((".html", ".htm", ".xhtml"), converters.read_html),
    ".csv": _read_table,
    ".tsv": partial(_read_table, delimiter="\t"),
    ".pdf": converters.read_pdf,
    ".docx": converters.read_word,
    ".pptx": converters.read_slides,
    ".xlsx": converters.read_sheets,
}
_EXTENSIONS = frozenset((*_READERS, ".json", *_LINES))
_TEXT_EXTENSIONS = _EXTENSIONS - {".pdf", ".docx", ".pptx", ".xlsx"}
_HEADED = _EXTENSIONS - {".csv", ".log", ".pdf", ".tsv", ".xlsx"}
"""Formats in which a line that begins with "#" is a heading, so that it may give the title."""
