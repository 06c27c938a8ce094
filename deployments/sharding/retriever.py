"""Several shards as one retriever.

All shards are asked at once. One that does not answer leaves an answer without its documents, which
says so; only where none answers is there none. What comes from the store and not from an index, any
shard can say: another one is asked where the first is away.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

from deployments.contracts.calls import CallContext
from deployments.contracts.documents import Chunk, DocumentPage, DocumentRecord, SourcePage
from deployments.contracts.errors import StageError
from deployments.contracts.search import (
    Calibration,
    Candidates,
    CollectionFacts,
    Filter,
    Found,
    SearchMethod,
    WordCounts,
)
from deployments.contracts.stages import RetrieverStage
from deployments.contracts.tenants import Erased
from deployments.contracts.vectors import Vectors
from deployments.serving.concurrently import gather_or_cancel
from deployments.sharding.deal import shard_name
from deployments.sharding.merging import joined_generation, merge, sum_counts
from deployments.sharding.turns import Turns

SHARD_TIMEOUT_S = 5.0
"""Time that a shard has for a search, and half of what the request has left at most: the answer
must still be written without a shard that never comes back."""

Answer = TypeVar("Answer")


class ShardStage(RetrieverStage, Protocol):
    """One shard, as whoever joins their answers asks it."""

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
        """Returns what this shard has for a query."""
        ...


@dataclass(frozen=True, slots=True)
class _Answers(Generic[Answer]):
    """What the shards that answered said, in their order, and the names of the others."""

    given: list[Answer]
    missing: tuple[str, ...]


class ShardedRetriever:
    """`RetrieverStage` over several shards.

    Args:
        shards: In their order, from the first on.
        changed: Is called where the shards are others than these.
    """

    def __init__(
        self, shards: Sequence[ShardStage], *, changed: Callable[[], object] = lambda: None
    ) -> None:
        self._shards = tuple(shards)
        self._changed = changed
        self._turns = Turns(self._shards)

    async def count_words(
        self, questions: Sequence[str], *, call: CallContext
    ) -> WordCounts | None:
        """Returns the counts of all shards that answer; their searches say who is away."""
        answers = await self._ask_all(
            lambda shard, brief: shard.count_words(questions, call=brief), call
        )
        return sum_counts([one for one in answers.given if one is not None], answers.missing)

    async def search(
        self,
        query: str,
        vector: Vectors | None,
        *,
        top_k: int,
        where: Filter | None,
        how: SearchMethod,
        reach: int = 0,
        counts: WordCounts | None = None,
        call: CallContext,
    ) -> Found:
        """See `RetrieverStage.search`; words are counted first where `counts` are not given."""
        if counts is None and how.mode != "dense":
            counts = await self.count_words([query], call=call)
        answers = await self._ask_all(
            lambda shard, brief: shard.candidates(
                *(query, vector),
                top_k=top_k,
                where=where,
                how=how,
                reach=reach,
                counts=counts,
                call=brief,
            ),
            call,
        )
        missing = [*answers.missing, *(() if counts is None else counts.missing)]
        if any(one.shards != len(self._shards) for one in answers.given):
            # Documents are being dealt anew: some may be nowhere yet.
            self._changed()
            missing.append(DEALING)
        return merge(
            answers.given, top_k=top_k, how=how, reach=reach, missing=tuple(dict.fromkeys(missing))
        )

    async def generation(self, *, call: CallContext) -> str:
        """See `RetrieverStage.generation`; empty where a shard is away."""
        answers = await self._ask_all(lambda shard, brief: shard.generation(call=brief), call)
        return "" if answers.missing else joined_generation(answers.given)

    async def facts(self, *, call: CallContext) -> CollectionFacts:
        """See `RetrieverStage.facts`: sums, and never without a shard."""
        if call.access.all_tenants:
            return await self._turns.ask(lambda shard: shard.facts(call=call))
        given = await gather_or_cancel(*(shard.facts(call=call) for shard in self._shards))
        return CollectionFacts(
            sum(facts.document_count for facts in given),
            sum(facts.chunk_count for facts in given),
            given[0].calibration,
        )

    async def describe(self, *, call: CallContext) -> dict[str, object]:
        """Returns what the shards say of themselves; one that is away is named under `missing`."""
        return _described(
            await self._ask_all(lambda shard, brief: shard.describe(call=brief), call)
        )

    async def description(self, *, call: CallContext) -> dict[str, object]:
        """Returns the same, as it was some seconds ago at most."""
        return _described(
            await self._ask_all(lambda shard, brief: shard.description(call=brief), call)
        )

    async def documents(
        self, *, after: int, limit: int, named: str = "", call: CallContext
    ) -> DocumentPage:
        """See `RetrieverStage.documents`."""
        return await self._turns.ask(
            lambda shard: shard.documents(after=after, limit=limit, named=named, call=call)
        )

    async def chunks(
        self, document_id: str, *, first: int, limit: int, call: CallContext
    ) -> Sequence[Chunk]:
        """See `RetrieverStage.chunks`."""
        return await self._turns.ask(
            lambda shard: shard.chunks(document_id, first=first, limit=limit, call=call)
        )

    async def document(self, document_id: str, *, call: CallContext) -> DocumentRecord:
        """See `RetrieverStage.document`."""
        return await self._turns.ask(lambda shard: shard.document(document_id, call=call))

    async def records(
        self, document_ids: Sequence[str], *, call: CallContext
    ) -> Mapping[str, DocumentRecord]:
        """See `RetrieverStage.records`."""
        return await self._turns.ask(lambda shard: shard.records(document_ids, call=call))

    async def sources(self, *, after: int, limit: int, call: CallContext) -> SourcePage:
        """See `RetrieverStage.sources`."""
        return await self._turns.ask(
            lambda shard: shard.sources(after=after, limit=limit, call=call)
        )

    async def sample(self, *, limit: int, call: CallContext) -> Sequence[Chunk]:
        """See `RetrieverStage.sample`."""
        return await self._turns.ask(lambda shard: shard.sample(limit=limit, call=call))

    async def calibrate(self, calibration: Calibration, *, call: CallContext) -> None:
        """See `RetrieverStage.calibrate`."""
        await self._turns.ask(lambda shard: shard.calibrate(calibration, call=call))

    async def erase_tenant(self, tenant: str, *, call: CallContext) -> Erased:
        """See `RetrieverStage.erase_tenant`."""
        return await self._turns.ask(lambda shard: shard.erase_tenant(tenant, call=call))

    async def delete(self, document_id: str, *, call: CallContext) -> int:
        """See `RetrieverStage.delete`. Asked of one shard alone, one that answers: the second time
        there is nothing left to find."""
        shard = await self._turns.ask(lambda shard: _there(shard, call))
        return await shard.delete(document_id, call=call)

    async def _ask_all(
        self, ask: Callable[[ShardStage, CallContext], Awaitable[Answer]], call: CallContext
    ) -> _Answers[Answer]:
        """Returns what all shards say that do.

        Raises:
            RequestError: What is asked for is none.
            StageError: None of them answers.
        """
        brief = replace(call, timeout_s=min(call.timeout_s / 2, SHARD_TIMEOUT_S))
        told = await gather_or_cancel(*(_told(ask(shard, brief)) for shard in self._shards))
        given = [one for one in told if not isinstance(one, StageError)]
        failed = {
            shard_name(place): one
            for place, one in enumerate(told, start=1)
            if isinstance(one, StageError)
        }
        if not given:
            raise next(iter(failed.values()))
        return _Answers(given, tuple(failed))


DEALING = "retriever:shards"
"""What an answer says under `degraded` while documents are dealt over another number of shards."""


async def _told(asked: Awaitable[Answer]) -> Answer | StageError:
    try:
        return await asked
    except StageError as error:
        return error


async def _there(shard: ShardStage, call: CallContext) -> ShardStage:
    await shard.describe(call=call)
    return shard


def _described(answers: _Answers[dict[str, object]]) -> dict[str, object]:
    missing: Iterable[str] = answers.missing
    return {**answers.given[0], **({"missing": sorted(missing)} if missing else {})}
