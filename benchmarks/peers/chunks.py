"""The service's chunks, out of its Chroma server: what a peer must hold to be asked the same.

Vectors come along, so that a peer is filled in seconds; how fast chunks are made is not compared.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from chromadb.api.models.Collection import Collection

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class ChunkSource:
    """A collection of a Chroma server."""

    url: str
    collection: str


class NoChunks(Exception):
    """There is nothing to compare; the message is for the user."""


def open_source(source: ChunkSource) -> "Collection":
    """Returns the collection, which holds at least one chunk.

    Raises:
        NoChunks: nobody answers, or the collection is not there or empty.
    """
    import chromadb
    from chromadb.config import Settings
    from chromadb.errors import ChromaError

    parts = urlsplit(source.url)
    try:
        client = chromadb.HttpClient(
            host=parts.hostname or "",
            port=parts.port or 8000,
            settings=Settings(anonymized_telemetry=False),
        )
        found = client.get_collection(source.collection, embedding_function=None)
    except (ValueError, ChromaError) as error:
        place = f"collection '{source.collection}' at {source.url}"
        raise NoChunks(f"There is no {place}: {error}") from error
    if not found.count():
        raise NoChunks(f"The collection '{source.collection}' is empty: ingest documents first.")
    return found


def pages(collection: "Collection") -> Iterator[dict[str, Any]]:
    """Yields the rows of a collection in a form that `Collection.add` takes, a page at a time."""
    for offset in range(0, collection.count(), _PAGE):
        found = collection.get(
            limit=_PAGE, offset=offset, include=["documents", "metadatas", "embeddings"]
        )
        yield {key: found[key] for key in ("ids", "documents", "metadatas", "embeddings")}
