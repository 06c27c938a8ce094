"""One index, and the same documents dealt over several, searched in this process."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from deployments.contracts.calls import CallContext
from deployments.contracts.documents import Chunk
from deployments.contracts.errors import StageError
from deployments.contracts.search import Candidates, Filter, Found, SearchMethod, WordCounts
from deployments.contracts.tenants import DEFAULT_ACCESS, Access
from deployments.contracts.vectors import Vectors
from deployments.retriever.candidates import ShardSearch
from deployments.retriever.hybrid import HybridSearch, Query
from deployments.retriever.index.chunk_index import ChunkIndex
from deployments.retriever.lexical.told import count_words
from deployments.retriever.tenancy.documents import shown_chunk, shown_hits
from deployments.sharding.deal import Deal
from deployments.sharding.retriever import ShardedRetriever
from tests.doubles import vector_of as _vector_of

vector_of = cache(_vector_of)


class Following:
    """A follower that has nothing to follow."""

    def sync(self) -> None:
        return None


class LocalShard:
    """One of several shards, without its shell; raises `failure` where it has one."""

    def __init__(self, deal: Deal, chunks: Iterable[Chunk], *, in_files: bool = False) -> None:
        self.deal = deal
        self.index = index_of(
            (chunk for chunk in chunks if deal.has(chunk.document_id)), in_files=in_files
        )
        self.failure: Exception | None = None
        self.asked: list[str] = []
        self._search = ShardSearch(hybrid_of(self.index), deal)

    async def candidates(
        self,
        query: str,
        vector: Vectors | None,
        *,
        top_k: int,
        where: Filter | None,
        how: SearchMethod,
        reach: int = 0,
        counts: WordCounts | None,
        call: CallContext,
    ) -> Candidates:
        self._enter("candidates")
        asked = Query(
            *(query, None if vector is None else vector[0], top_k, where, how),
            *(call.access, reach, counts),
        )
        [(found, _)] = self._search.search([asked])
        return replace(found, generation=f"of shard {self.deal.shard}")

    async def count_words(
        self, questions: Sequence[str], *, call: CallContext
    ) -> WordCounts | None:
        self._enter("count_words")
        return count_words(self.index.view().words, questions)

    def _enter(self, name: str) -> None:
        self.asked.append(name)
        if self.failure is not None:
            raise self.failure


class Dealt:
    """The same chunks in one index and in several shards.

    Args:
        chunks: As the index calls them.
        shards: How many.
        in_files: Whether the indexes are those over files, of which there are none yet.
    """

    def __init__(self, chunks: Sequence[Chunk], shards: int, *, in_files: bool = False) -> None:
        self.one = hybrid_of(index_of(chunks, in_files=in_files))
        self.shards = [
            LocalShard(Deal(shard, shards), chunks, in_files=in_files)
            for shard in range(1, shards + 1)
        ]
        self.all = ShardedRetriever(self.shards)  # type: ignore[arg-type]

    async def search(self, text: str, access: Access = DEFAULT_ACCESS, **wishes: Any) -> Found:
        """Returns what the shards find together."""
        return await self.all.search(*_asked(text), call=call_of(access), **_wishes(wishes))

    def search_one(self, text: str, access: Access = DEFAULT_ACCESS, **wishes: Any) -> Found:
        """Returns what one index with all documents finds."""
        given = _wishes(wishes)
        vector = vector_of(text)
        asked = (given["top_k"], given["where"], given["how"], access, given["reach"])
        [hits] = self.one.search([Query(text, vector, *asked)])
        return Found(
            shown_hits(access, hits.chunks),
            neighbours=tuple(shown_chunk(access, chunk) for chunk in hits.neighbours),
        )


def call_of(access: Access = DEFAULT_ACCESS) -> CallContext:
    return CallContext("request", 5.0, access=access)


def index_of(chunks: Iterable[Chunk], *, in_files: bool = False) -> ChunkIndex:
    index = ChunkIndex(in_files=in_files)
    given = list(chunks)
    if given:
        index.add(given, np.stack([vector_of(chunk.text) for chunk in given]))
    index.commit()
    return index


def hybrid_of(index: ChunkIndex) -> HybridSearch:
    return HybridSearch(None, index, Following())  # type: ignore[arg-type]


def away(shard: LocalShard, error: StageError) -> None:
    shard.failure = error


def _asked(text: str) -> tuple[str, Vectors]:
    return text, vector_of(text)[None, :]


def _wishes(given: Mapping[str, Any]) -> dict[str, Any]:
    return {"top_k": 10, "where": None, "how": SearchMethod(), "reach": 0, **given}
