"""The documents as they came, beside their chunks: what another version of the index is made of."""

import base64
import json
import zlib
from collections.abc import Callable, Sequence
from typing import Any

from deployments.contracts.documents import IndexedDocument, Part
from deployments.retriever.chroma import no_vectors

_KEY = "parts"


class SourceTexts:
    """Reads and writes one collection of sources.

    Args:
        collection: Chroma's.
        guard: Runs a call of the library and turns what it raises into our errors.
    """

    def __init__(self, collection: Any, guard: Callable[[Callable[[], Any]], Any]) -> None:
        self._collection = collection
        self._guard = guard

    def write(self, documents: Sequence[IndexedDocument]) -> None:
        """Keeps the parts of documents that have some."""
        kept = [document for document in documents if document.parts]
        if not kept:
            return
        self._guard(
            lambda: self._collection.upsert(
                ids=[document.record.id for document in kept],
                embeddings=no_vectors(len(kept)),
                # Its text is not to be searched, so it is metadata, and no document.
                metadatas=[{_KEY: pack(document.parts)} for document in kept],
            )
        )

    def read(self, document_id: str) -> tuple[Part, ...] | None:
        """Returns the parts of a document, None where they were not kept."""
        found = self._guard(lambda: self._collection.get(ids=[document_id], include=["metadatas"]))
        return unpack(found["metadatas"][0][_KEY]) if found["ids"] else None

    def delete(self, document_id: str) -> None:
        """Forgets a document."""
        self._guard(lambda: self._collection.delete(ids=[document_id]))


def pack(parts: Sequence[Part]) -> str:
    """Returns parts as one short piece of ASCII."""
    text = json.dumps([[part.text, part.page] for part in parts], ensure_ascii=True)
    return base64.b64encode(zlib.compress(text.encode())).decode("ascii")


def unpack(packed: str) -> tuple[Part, ...]:
    """Returns the parts that `pack` was given."""
    rows = json.loads(zlib.decompress(base64.b64decode(packed)))
    return tuple(Part(text, page) for text, page in rows)
