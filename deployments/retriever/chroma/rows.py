"""A chunk as a row of Chroma's collection: text, and metadata with keys of its own. The row's id
says which write it is from."""

from collections.abc import Iterable
from typing import Any

from deployments.contracts.documents import Chunk
from deployments.contracts.tenants import Acl
from deployments.retriever.chroma.versions import parse_row_id
from deployments.retriever.tenancy.fields import OWNER_KEYS, acl_of, owner_fields

MARKUP_KEY = "ragserve:markup"
"""Where a row says that its text is plain; one that does not is read as Markdown."""
_OWN_KEYS = OWNER_KEYS | {"document_id", "ordinal", "path", "title", "heading", "page", MARKUP_KEY}


def row_metadata(chunk: Chunk) -> dict[str, object]:
    """Returns the metadata of a chunk's row; what the client gave never hides a key of ours."""
    own: dict[str, object] = {
        "document_id": chunk.document_id,
        "ordinal": chunk.ordinal,
        "path": chunk.path,
        "title": chunk.title,
        "heading": chunk.heading,
    }
    if chunk.page is not None:
        own["page"] = chunk.page
    if chunk.markup != "markdown":
        own[MARKUP_KEY] = chunk.markup
    given = {key: value for key, value in chunk.metadata.items() if key not in OWNER_KEYS}
    return {**given, **own, **owner_fields(chunk.document_id, chunk.acl)}


def document_of(chunk_id: str) -> str:
    """Returns the document of a chunk: what an id looks like is said in the contracts."""
    return chunk_id.rpartition("-")[0]


def read_rows(found: Any) -> Iterable[tuple[str, Chunk]]:
    """Yields the write's id and the chunk of each row of an answer of the collection's `get` with
    documents and metadata, in its order."""
    rows = zip(found["ids"], found["documents"], found["metadatas"], strict=True)
    for row, text, metadata in rows:
        chunk_id, write_id = parse_row_id(row)
        yield write_id, read_chunk(chunk_id, text, metadata, acl_of(metadata))


def read_chunk(chunk_id: str, text: str, metadata: dict[str, Any], acl: Acl = None) -> Chunk:
    """Returns the chunk that a row holds, who may read it said apart."""
    return Chunk(
        id=chunk_id,
        document_id=metadata["document_id"],
        ordinal=metadata["ordinal"],
        text=text,
        path=metadata["path"],
        title=metadata["title"],
        heading=metadata["heading"],
        page=metadata.get("page"),
        metadata={key: value for key, value in metadata.items() if key not in _OWN_KEYS},
        markup="plain" if metadata.get(MARKUP_KEY) == "plain" else "markdown",
        acl=acl,
    )
