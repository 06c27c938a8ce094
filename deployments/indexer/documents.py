"""Reads a file into documents: by the extension of its name, one document or one per record.

A reader per format is in `formats`, JSON is in `records`. Reading never raises for a bad file: a
`ReadFailure` takes the place of the document, and the others go on.
"""

import io
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import PurePosixPath

from deployments.contracts.documents import Document, Part, ReadFailure, Scalar, Upload
from deployments.contracts.errors import InvalidRequest, RequestError, UnsupportedMedia
from deployments.indexer.cleaning import (
    MAX_TITLE_CHARS,
    clean_metadata,
    clean_path,
    clean_text,
    clean_title,
    document_id,
)
from deployments.indexer.formats.converted import Converted, ReadingOptions
from deployments.indexer.formats.tables.delimited import read_csv, read_tsv
from deployments.indexer.formats.text.compressed import inflate
from deployments.indexer.formats.text.encodings import decode_text
from deployments.indexer.formats.text.markdown import read_markdown
from deployments.indexer.formats.text.plain import read_plain
from deployments.indexer.formats.text.restructured import read_rst
from deployments.indexer.markup import Heading, find_headings
from deployments.indexer.records import read_json, read_lines

_LOGGER = logging.getLogger(__name__)

_LOADED_LATE = (
    "html.fragments",
    "html.page",
    "pdf.document",
    "sheets.workbook",
    "slides.presentation",
    "word.document",
)

_SEVERAL_RECORDS = (
    "The file has several records, each of which is a document of its own: send it to "
    "/v1/documents."
)

_SHOWN = ReadingOptions()
"""What whoever opens a file sees of it, and no more."""


def read_documents(
    upload: Upload, *, options: ReadingOptions = _SHOWN
) -> Iterator[Document | ReadFailure]:
    """Yields the documents of a file in its order, with a failure in the place of each bad one.

    JSONL gives a document per line, and so does a JSON list of objects of which any has text;
    everything else is one document. Records are made one at a time. Whatever a format's library
    raises is the failure of this file alone. A file with an id of its own is one document, or a
    failure.
    """
    found = _read_documents(upload, options)
    if not upload.document_id:
        yield from found
        return
    first = next(found)
    if next(found, None) is not None:
        yield ReadFailure(clean_path(upload.name), _SEVERAL_RECORDS)
    elif isinstance(first, Document):
        yield replace(first, id=upload.document_id)
    else:
        yield first


def _read_documents(upload: Upload, options: ReadingOptions) -> Iterator[Document | ReadFailure]:
    path = clean_path(upload.name)
    try:
        metadata = clean_metadata(upload.metadata)
        extension, content = _unpack(path, upload.content)
        if extension in _LINES or extension == ".json":
            yield from _read_records(path, extension, content, metadata)
        else:
            converted = _read(extension, content, options)
            yield _build_document(path, converted, metadata, has_headings=extension in _HEADED)
    except RequestError as error:
        _LOGGER.info("cannot read %s: %s (%r)", path, error.message, error.__cause__)
        yield ReadFailure(path, error.message)
    except MemoryError:
        _LOGGER.warning("reading %s took too much memory", path)
        yield ReadFailure(path, "The file takes too much memory. Split it.")
    except Exception:
        _LOGGER.exception("cannot read %s", path)
        yield ReadFailure(path, "The file is damaged and cannot be read.")


def load_readers() -> None:
    """Imports the libraries of all formats, which otherwise the first file of each waits for."""
    for module in _LOADED_LATE:
        import_module(f"deployments.indexer.formats.{module}")


def is_readable_name(name: str) -> bool:
    """Returns whether the extension is one that is read, compressed text included."""
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
    content = inflate(content) if is_gzip else content
    if not content:
        raise InvalidRequest("The file is empty.")
    return extension, content


def _read(extension: str, content: bytes, options: ReadingOptions) -> Converted:
    """Returns what the reader of a format gives; libraries are imported when they are needed."""
    simple = _TEXT_READERS.get(extension)
    if simple is not None:
        return simple(content)
    if extension == ".pdf":
        from deployments.indexer.formats.pdf.document import read_pdf

        return read_pdf(content)
    if extension == ".docx":
        from deployments.indexer.formats.word.document import read_word

        return read_word(content, options)
    if extension == ".pptx":
        from deployments.indexer.formats.slides.presentation import read_slides

        return read_slides(content, options)
    if extension == ".xlsx":
        from deployments.indexer.formats.sheets.workbook import read_sheets

        return read_sheets(content, options)
    from deployments.indexer.formats.html.page import read_html

    return read_html(content, options)


def _read_records(
    path: str, extension: str, content: bytes, metadata: Mapping[str, Scalar]
) -> Iterator[Document | ReadFailure]:
    """Yields the records of JSON; the first that can be read tells what bytes could not be."""
    decoded = decode_text(content)
    if extension in _LINES:
        found = read_lines(path, io.StringIO(decoded.text, newline="\n"), metadata)
    else:
        found = read_json(path, decoded.text, metadata, default_title=_stem(path))
    warnings = decoded.warnings
    for outcome in found:
        if warnings and isinstance(outcome, Document):
            yield replace(outcome, warnings=(*warnings, *outcome.warnings))
            warnings = ()
        else:
            yield outcome


def _build_document(
    path: str, converted: Converted, metadata: Mapping[str, Scalar], *, has_headings: bool
) -> Document:
    texts = [(clean_text(part.text).strip("\n"), part.page) for part in converted.parts]
    parts = tuple(Part(text, page) for text, page in texts if text.strip())
    if not parts:
        raise InvalidRequest("The file has no text.")
    title = clean_title(converted.title)
    if not title and has_headings:
        title = _title_of([heading for part in parts for heading in find_headings(part.text)])
    return Document(
        document_id(path),
        path,
        (title or _stem(path))[:MAX_TITLE_CHARS],
        parts,
        {**clean_metadata(converted.metadata), **metadata},
        markup=converted.markup,
        warnings=converted.warnings,
    )


def _title_of(headings: Sequence[Heading]) -> str:
    """Returns the first heading of the highest level that there is; empty without one."""
    first = min(headings, key=lambda heading: heading.level, default=None)
    return first.title if first is not None else ""


def _stem(path: str) -> str:
    return PurePosixPath(path.replace("\\", "/").removesuffix(".gz")).stem


_LINES = frozenset((".jsonl", ".ndjson"))
_TEXT_READERS: Mapping[str, Callable[[bytes], Converted]] = {
    **dict.fromkeys((".md", ".markdown"), read_markdown),
    **dict.fromkeys((".txt", ".text", ".log"), read_plain),
    ".rst": read_rst,
    ".csv": read_csv,
    ".tsv": read_tsv,
}
_PAGES = frozenset((".html", ".htm", ".xhtml"))
_BINARY = frozenset((".pdf", ".docx", ".pptx", ".xlsx"))
_TEXT_EXTENSIONS = frozenset((*_TEXT_READERS, *_PAGES, *_LINES, ".json"))
_EXTENSIONS = _TEXT_EXTENSIONS | _BINARY
_HEADED = _EXTENSIONS - {".csv", ".log", ".pdf", ".rst", ".tsv", ".txt", ".text", ".xlsx"}
"""Formats in which a line that begins with "#" is a heading, so that it may give the title; the
reader of `.rst` decides itself, as the first of its sections may be called "Abstract"."""
