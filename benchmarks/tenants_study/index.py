"""An index of made-up documents of several tenants."""

import gc
from collections.abc import Iterator

import numpy as np
import psutil

from deployments.contracts.documents import Chunk, chunk_id
from deployments.contracts.tenants import DEFAULT_TENANT, Access
from deployments.contracts.vectors import Vectors
from deployments.retriever.index.chunk_index import ChunkIndex
from deployments.retriever.tenancy.names import stored_id

DIMENSION = 384
_DOCUMENT_CHUNKS = 10
_CHUNK_WORDS = 120
_WORDS = 20_000
_SEED = 11


def tenant_name(place: int, tenants: int) -> str:
    """Returns a tenant; who is alone is the one that needs no key."""
    return DEFAULT_TENANT if tenants == 1 else f"tenant-{place}"


def words(draw: np.random.Generator, count: int) -> str:
    """Returns words, of which few are frequent and most are rare, as in any text."""
    return " ".join(f"w{number}" for number in np.minimum(draw.zipf(1.3, count), _WORDS))


def directions(draw: np.random.Generator, count: int) -> Vectors:
    """Returns vectors of length 1, shape (count, dim)."""
    vectors = draw.normal(size=(count, DIMENSION)).astype(np.float32)
    unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def build(tenants: int, chunks: int) -> ChunkIndex:
    """Returns an index of so many tenants with so many chunks each. The texts and vectors are the
    same for the same total, whoever has them."""
    index = ChunkIndex()
    draw = np.random.default_rng(_SEED)
    for document in _documents(tenants, chunks, draw):
        index.add(document, directions(draw, len(document)))
    index.commit()
    return index


def memory_mb(tenants: int, chunks: int) -> float:
    """Returns what an index adds to the memory of this process, in MB of 10^6 bytes."""
    build(1, _DOCUMENT_CHUNKS)  # loads the libraries
    gc.collect()
    process = psutil.Process()
    before = process.memory_info().rss
    index = build(tenants, chunks)
    gc.collect()
    taken = process.memory_info().rss - before
    assert len(index) == tenants * chunks
    return round(taken / 1e6, 1)


def _documents(tenants: int, chunks: int, draw: np.random.Generator) -> Iterator[list[Chunk]]:
    for place in range(tenants):
        access = Access(tenant_name(place, tenants))
        for first in range(0, chunks, _DOCUMENT_CHUNKS):
            name = stored_id(access, f"document-{first}")
            yield [
                Chunk(
                    chunk_id(name, ordinal),
                    name,
                    ordinal,
                    words(draw, _CHUNK_WORDS),
                    f"{first}.md",
                    "",
                    metadata={"team": f"team-{first % 7}"},
                )
                for ordinal in range(min(_DOCUMENT_CHUNKS, chunks - first))
            ]
