"""The shell of one shard of a retriever: what it finds is one list with what the others find."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from deployments.contracts.calls import CallContext
from deployments.contracts.search import Candidates, Filter, SearchMethod, WordCounts
from deployments.contracts.vectors import Vectors
from deployments.retriever.calibration import generation_of
from deployments.retriever.candidates import ShardSearch, ways_of
from deployments.retriever.deployment import Retriever
from deployments.retriever.hybrid import Query
from deployments.retriever.lexical.told import count_words
from deployments.retriever.tenancy.names import stored_id


class RetrieverShard(Retriever):
    """Has the index of its own documents, and reads and writes the store for all.

    Args:
        args: `RetrieverArgs` as a mapping, with `shard` and `shards`.
    """

    def __init__(self, args: dict[str, object]) -> None:
        super().__init__(args)
        deal = self._settings.deal()
        self._shards = deal.shards
        self._candidates = self._batcher_of(ShardSearch(self._hybrid, deal).search)

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
        """Returns what this shard has for a query. `counts` are those of all shards; without them
        words are scored by this shard's own."""
        row = None if vector is None else vector[0]
        asked = Query(query, row, top_k, where, how, call.access, reach, counts)
        (found, laps), times = await self._ask(self._candidates, asked, call)
        calibration = self._calibrations.latest
        return replace(
            found,
            times=self._times(times, laps.of(*ways_of(found))),
            calibration=calibration,
            generation=generation_of(found.generation, calibration),
        )

    async def count_words(self, questions: Sequence[str], *, call: CallContext) -> WordCounts:
        """Returns the counts of this shard's texts for the words of some questions, all changes
        included that were acknowledged before the call."""
        if self._index is None or self._follower is None:
            return WordCounts()
        if not self._follower.is_current:
            await asyncio.to_thread(self._follower.sync)
        return await asyncio.to_thread(count_words, self._index.view().words, questions)

    async def damaged(self, document_ids: Sequence[str], *, call: CallContext) -> frozenset[str]:
        """Returns those documents that the store does not have whole, as far as this shard
        knows."""
        damaged = self._follower.damaged if self._follower is not None else frozenset()
        return frozenset(
            shown for shown in document_ids if stored_id(call.access, shown) in damaged
        )

    async def describe(self, *, call: CallContext) -> dict[str, object]:
        """Returns that the store answers, and of how many shards this is one."""
        return {**await super().describe(call=call), "shards": self._shards}
