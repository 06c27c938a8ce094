"""The retrievers of an index as the indexer asks them: one, or its shards. Any shard reads and
writes the store for all."""

from collections.abc import Collection, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

from deployments.contracts.calls import CallContext
from deployments.contracts.documents import DocumentRecord, IndexedDocument
from deployments.contracts.errors import StageError
from deployments.serving.calls import call_stage
from deployments.serving.concurrently import gather_or_cancel
from deployments.serving.replicas import ReplicaWatch
from deployments.sharding.turns import Turns

_STAGE = "retriever"
_DAMAGED_S = 2.0
"""Time that a shard has to name what it misses: where it is away, nobody knows."""


@dataclass(slots=True)
class _Retriever:
    handle: Any
    watch: ReplicaWatch = field(default_factory=lambda: ReplicaWatch(_STAGE))


class Retrievers:
    """Asks one of several retrievers, another one each time, and the next where it is away.

    Args:
        handles: Handles of Serve, one at least.
    """

    def __init__(self, handles: Sequence[Any]) -> None:
        self._retrievers = tuple(_Retriever(handle) for handle in handles)
        self._turns = Turns(self._retrievers)

    async def closed(self, document_ids: Sequence[str], *, call: CallContext) -> Collection[str]:
        """Returns those ids of documents that the caller's groups may not read."""
        closed: Collection[str] = await self._ask_any("closed", document_ids, call=call)
        return closed

    async def records(
        self, document_ids: Sequence[str], *, call: CallContext
    ) -> dict[str, DocumentRecord]:
        """Returns the records of those documents that are known; one without a fingerprint has to
        be written again, which the shard knows that has it."""
        records: dict[str, DocumentRecord]
        records = await self._ask_any("records", document_ids, call=call)
        if len(self._retrievers) > 1 and records:
            brief = replace(call, timeout_s=min(call.timeout_s, _DAMAGED_S))
            told = await gather_or_cancel(
                *(self._damaged(one, list(records), brief) for one in self._retrievers)
            )
            for document_id in {name for damaged in told for name in damaged}:
                records[document_id] = replace(records[document_id], fingerprint="")
        return records

    async def replace(self, documents: Sequence[IndexedDocument], *, call: CallContext) -> None:
        """Writes documents whole, which may be done twice."""
        await self._ask_any("replace", documents, call=call)

    async def _ask_any(self, method: str, asked: Sequence[object], *, call: CallContext) -> Any:
        return await self._turns.ask(lambda one: self._ask(one, method, asked, call))

    async def _damaged(
        self, one: _Retriever, document_ids: Sequence[str], call: CallContext
    ) -> Collection[str]:
        try:
            damaged: Collection[str] = await self._ask(one, "damaged", document_ids, call)
        except StageError:
            return ()
        return damaged

    async def _ask(
        self, one: _Retriever, method: str, asked: Sequence[object], call: CallContext
    ) -> Any:
        def send() -> Any:
            return getattr(one.handle, method).remote(asked, call=call)

        # Nobody waits for a shard that has no replica where another one can do it.
        is_alone = len(self._retrievers) == 1
        sent = nullcontext(send()) if is_alone else one.watch.over(one.handle, send)
        with sent as response:
            return await call_stage(response, stage=_STAGE, timeout_s=call.timeout_s)
