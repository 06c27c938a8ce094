"""Documents, what they are split into, and what becomes of them: frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from deployments.contracts.pickling import pickled_by_fields
from deployments.contracts.tenants import Acl, Kept

if TYPE_CHECKING:
    from deployments.contracts.vectors import Vectors

Scalar = str | int | float | bool


Metadata = Mapping[str, Scalar]
"""Flat key-values of a document; what filters can ask for."""


MAX_TEXT_CHARS = 8_000_000
"""Characters of one document's text at most, so that it fits a message between two stages."""


Markup = Literal["markdown", "plain"]
"""How the text of a document is read: as Markdown, or as it stands. In a table, a log or the page
of a PDF a line that begins with "#" is no heading, and a line of backticks opens no code."""


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a document's text; `page` counts from 1 and is None for formats without
    pages."""

    text: str
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A source text. The same `id` always means the same source; `path` is how people know it.

    `warnings` are sentences on what its conversion left out, for the person who sent it: they are
    told once, and neither stored nor searched. `acl` says who of its tenant may read it; sent again
    without one, a document keeps what it has.
    """

    id: str
    path: str
    title: str
    parts: tuple[Part, ...]
    metadata: Metadata = field(default_factory=dict)
    markup: Markup = "markdown"
    warnings: tuple[str, ...] = ()
    acl: Acl | Kept = "kept"


@pickled_by_fields
@dataclass(frozen=True, slots=True)
class Chunk:
    """The indexed unit: a passage that fits the embedder's window. `ordinal` counts from 0 within
    its document, whose `acl` it has."""

    id: str
    document_id: str
    ordinal: int
    text: str
    path: str
    title: str
    heading: str = ""
    page: int | None = None
    metadata: Metadata = field(default_factory=dict)
    markup: Markup = "markdown"
    acl: Acl = None

    def passage(self) -> str:
        """The text that models read: the headings the passage stands under, then the passage."""
        context = " > ".join(part for part in (self.title, self.heading) if part)
        return f"{context}\n{self.text}" if context else self.text

    def stands_with(self, other: "Chunk") -> bool:
        """Returns whether a passage may go on from one to the other: both are of one section and
        one page of one document."""
        return (self.document_id, self.heading, self.page) == (
            other.document_id,
            other.heading,
            other.page,
        )


def chunk_id(document_id: str, ordinal: int) -> str:
    """Returns the id of a document's chunk; the same place in the same document keeps its id."""
    return f"{document_id}-{ordinal:05d}"


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """What the index knows of a document without its text.

    `fingerprint` covers text, metadata and the way it was split: equal fingerprints mean that
    nothing is to be done. `sequence` orders documents by their first arrival.
    """

    id: str
    path: str
    title: str
    fingerprint: str
    chunk_count: int
    created_at: str
    sequence: int
    metadata: Metadata = field(default_factory=dict)
    acl: Acl = None


@dataclass(frozen=True, slots=True)
class IndexedDocument:
    """A document ready to be written: its record, its chunks, one vector per chunk in their order,
    and its source, from which another version can be made."""

    record: DocumentRecord
    chunks: tuple[Chunk, ...]
    vectors: "Vectors"
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class SourcePage:
    """A page of documents as they came, oldest first.

    `records` are those of the page, `documents` those of which there is a source; one that was
    written by a version that kept none has to be ingested again. `next_sequence` is None on the
    last page. `total` counts the documents of all tenants, for whoever reaches all of them; 0 for
    others.
    """

    records: tuple[DocumentRecord, ...]
    documents: tuple[Document, ...]
    next_sequence: int | None
    total: int


@dataclass(frozen=True, slots=True)
class ReadFailure:
    """A file or a record that gave no document. `message` is for the person who sent it."""

    path: str
    message: str


@dataclass(frozen=True, slots=True)
class IngestOutcome:
    """What became of one document or file. `message` says why when the status is `failed`,
    `warnings` what its conversion left out."""

    path: str
    status: Literal["added", "updated", "unchanged", "failed"]
    document_id: str = ""
    chunk_count: int = 0
    message: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it came from the client; the extension of `name` chooses the converter.

    With a `document_id` the file is one document, which is known by it. Without one, what it gives
    is known by its path, and a file of records gives several. `acl` is that of all of them.
    """

    name: str
    content: bytes
    metadata: Metadata = field(default_factory=dict)
    document_id: str = ""
    acl: Acl | Kept = "kept"


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """A page of the list of documents; `next_sequence` is None on the last page."""

    records: tuple[DocumentRecord, ...]
    next_sequence: int | None
