"""What a replica knows of a chunk beside its words: all of it, so that no answer needs a row of the
store.

A chunk of 800 characters takes some 1.2 kB.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from deployments.contracts.documents import Chunk, Markup, Scalar
from deployments.contracts.tenants import Acl
from deployments.retriever.chroma.rows import MARKUP_KEY, read_chunk
from deployments.retriever.tenancy.names import bare_id, beside

CHUNK_KEYS = frozenset({"ordinal", "heading", "page"})
"""Fields in which chunks of one document differ."""

_ERRORS = "surrogatepass"
"""Lone surrogates are no characters, and still come back as they came."""


@dataclass(frozen=True, slots=True)
class Row:
    """A chunk, by the name that it has in the index; `shared` is one mapping for all chunks of a
    document, which knows the document as its tenant's clients do, since their filters ask for it.
    `text` is in UTF-8."""

    chunk_id: str
    shared: Mapping[str, Scalar]
    ordinal: int
    heading: str
    page: int | None
    text: bytes
    markup: Markup = "markdown"
    acl: Acl = None

    def fields(self) -> dict[str, object]:
        """Returns the chunk's metadata as filters see it."""
        fields: dict[str, object] = dict(self.shared)
        fields["ordinal"] = self.ordinal
        fields["heading"] = self.heading
        if self.page is not None:
            fields["page"] = self.page
        if self.markup != "markdown":
            fields[MARKUP_KEY] = self.markup
        return fields

    def chunk(self) -> Chunk:
        """Returns the chunk itself."""
        fields = self.fields()
        fields["document_id"] = beside(self.chunk_id, str(fields["document_id"]))
        return read_chunk(self.chunk_id, self.text.decode("utf-8", _ERRORS), fields, self.acl)


def row_of(chunk: Chunk, former: Row | None) -> Row:
    """Returns the row of a chunk, which shares what it can with the row made before it.

    Args:
        chunk: The chunk.
        former: Any row.
    """
    shared: Mapping[str, Scalar] = {
        **chunk.metadata,
        "document_id": bare_id(chunk.document_id),
        "path": chunk.path,
        "title": chunk.title,
    }
    acl = chunk.acl
    if former is not None:
        shared = former.shared if former.shared == shared else shared
        acl = former.acl if former.acl == acl else acl
    text = chunk.text.encode("utf-8", _ERRORS)
    return Row(chunk.id, shared, chunk.ordinal, chunk.heading, chunk.page, text, chunk.markup, acl)
