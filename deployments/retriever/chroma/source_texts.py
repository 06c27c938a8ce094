"""The documents as they came, beside their chunks: what another version of the index is made of."""

import base64
import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from deployments.contracts.documents import IndexedDocument, Markup, Part
from deployments.retriever.chroma.connection import no_vectors
from deployments.retriever.chroma.versions import Version, parse_row_id, row_id
from deployments.retriever.tenancy.fields import owner_fields

_KEY = "parts"

Source = tuple[tuple[Part, ...], Markup]
"""The parts of a document, and how they are read."""


class SourceTexts:
    """Reads and writes one collection of sources, with a row for each write.

    Args:
        collection: Chroma's.
        guard: Runs a call of the library and turns what it raises into our errors.
    """

    def __init__(self, collection: Any, guard: Callable[[Callable[[], Any]], Any]) -> None:
        self._collection = collection
        self._guard = guard

    def write(self, documents: Sequence[IndexedDocument], write_id: str) -> None:
        """Keeps the parts of documents that have some."""
        kept = [document for document in documents if document.parts]
        if not kept:
            return
        self._guard(
            lambda: self._collection.upsert(
                ids=[row_id(document.record.id, write_id) for document in kept],
                embeddings=no_vectors(len(kept)),
                # Its text is not to be searched, so it is metadata, and no document.
                metadatas=[
                    {
                        "document_id": document.record.id,
                        _KEY: pack(document.parts, document.chunks[0].markup),
                        **owner_fields(document.record.id, document.record.acl),
                    }
                    for document in kept
                ],
            )
        )

    def read(self, version: Version) -> Source | None:
        """Returns the source of a version of a document, None where it was not kept."""
        row = row_id(version.record.id, version.write_id)
        found = self._guard(lambda: self._collection.get(ids=[row], include=["metadatas"]))
        return unpack(found["metadatas"][0][_KEY]) if found["ids"] else None

    def remove_older(self, newest: Mapping[str, Version]) -> None:
        """Forgets what older writes kept of documents."""
        asked = {"document_id": {"$in": list(newest)}}
        found = self._guard(lambda: self._collection.get(where=asked, include=[]))
        rows = [(row, *parse_row_id(row)) for row in found["ids"]]
        older = [row for row, name, write_id in rows if write_id < newest[name].write_id]
        # What was written before writes had ids says nothing of its document but its id.
        older += [name for name, version in newest.items() if version.write_id]
        if older:
            self._guard(lambda: self._collection.delete(ids=older))


def pack(parts: Sequence[Part], markup: Markup = "markdown") -> str:
    """Returns a source as one short piece of ASCII."""
    rows = [[part.text, part.page] for part in parts]
    # Markdown as versions wrote it that knew nothing else.
    content = rows if markup == "markdown" else {"markup": markup, "parts": rows}
    text = json.dumps(content, ensure_ascii=True)
    return base64.b64encode(zlib.compress(text.encode())).decode("ascii")


def unpack(packed: str) -> Source:
    """Returns what `pack` was given."""
    content = json.loads(zlib.decompress(base64.b64decode(packed)))
    is_plain = isinstance(content, dict)
    rows = content["parts"] if is_plain else content
    return tuple(Part(text, page) for text, page in rows), "plain" if is_plain else "markdown"
