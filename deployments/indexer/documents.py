"""Reads a file into documents: by the extension of its name, one document or one per record.

The libraries that read binary formats are behind `converters`, JSON is in `records`. Reading never
raises for a bad file: a `ReadFailure` takes the place of the document, and the others go on.
"""

import csv
import io
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import PurePosixPath

from deployments.contracts.documents import Document, Part, ReadFailure, Scalar, Upload
from deployments.contracts.errors import InvalidRequest, RequestError, UnsupportedMedia
from deployments.indexer import converters
from deployments.indexer.cleaning import (
    MAX_TITLE_CHARS,
    clean_metadata,
    clean_text,
    clean_title,
    document_id,
)
from deployments.indexer.converters import Converted
from deployments.indexer.markup import convert_rst, find_headings, read_front_matter
from deployments.indexer.records import read_json, read_lines

_LOGGER = logging.getLogger(__name__)


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
            yield from read_lines(path, lines, metadata)
        elif extension == ".json":
            text = converters.decode_text(content)
            yield from read_json(path, text, metadata, default_title=_stem(path))
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
    fields, text = read_front_matter(converters.decode_text(content))
    title = fields.get("title")
    rest = {key: value for key, value in fields.items() if key != "title"}
    return Converted((Part(text),), title=title if isinstance(title, str) else "", metadata=rest)


def _read_rst(content: bytes) -> Converted:
    return Converted((Part(convert_rst(clean_text(converters.decode_text(content)))),))


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
    title = clean_title(converted.title)
    if not title and has_headings:
        headings = (heading for part in parts for heading in find_headings(part.text))
        title = next((heading.title for heading in headings if heading.level == 1), "")
    merged = {**clean_metadata(converted.metadata), **metadata}
    title = (title or _stem(path))[:MAX_TITLE_CHARS]
    return Document(document_id(path), path, title, parts, merged)


def _stem(path: str) -> str:
    return PurePosixPath(path.replace("\\", "/").removesuffix(".gz")).stem


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
