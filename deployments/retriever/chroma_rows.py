"""A chunk as a row of Chroma's collection: text, and metadata with keys of its own."""

from typing import Any

from deployments.contracts.documents import Chunk

_OWN_KEYS = frozenset({"document_id", "ordinal", "path", "title", "heading", "page"})


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
    return {**chunk.metadata, **own}


def read_chunks(found: Any) -> list[Chunk]:
    """Returns the chunks of an answer of the collection's `get` with documents and metadata, in its
    order."""
    rows = zip(found["ids"], found["documents"], found["metadatas"], strict=True)
    return [read_chunk(*row) for row in rows]


def read_chunk(found_id: str, text: str, metadata: dict[str, Any]) -> Chunk:
    """Returns the chunk that a row of the collection holds."""
    return Chunk(
        id=found_id,
        document_id=metadata["document_id"],
        ordinal=metadata["ordinal"],
        text=text,
        path=metadata["path"],
        title=metadata["title"],
        heading=metadata["heading"],
        page=metadata.get("page"),
        metadata={key: value for key, value in metadata.items() if key not in _OWN_KEYS},
    )
