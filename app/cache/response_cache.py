"""Answers of one replica of the gateway that are given again: looked up, kept, forgotten.

Nothing here fails a request: a store that is away, slow or broken is a miss, and is left alone for
a while.
"""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from app.cache.counts import CacheCounts
from app.cache.entry import (
    Candidate,
    Entry,
    decode,
    decode_candidate,
    encode,
    encode_candidate,
)
from app.cache.keys import conversation_tag, document_tag, user_tag
from app.cache.single_flight import SingleFlight
from app.cache.stores.operations import Forget, Get, Operation, Put, Result, Store
from app.settings.cold.cache import MAX_VALUE_BYTES
from app.storage.circuit import Circuit, StoreAway
from app.storage.writer import GroupWriter
from deployments.contracts.errors import Unavailable
from deployments.serving.concurrently import gather_or_cancel

Found = TypeVar("Found")
_log = logging.getLogger("ray.serve")
_LOOKUP_S = 0.25
"""Time that a lookup may take: later it is a miss."""
_FORGET_S = 10.0
_JITTER_RATIO = 0.1


class ResponseCache:
    """Keeps answers in a store that all replicas share.

    Args:
        store: Where they are.
        now_s: Seconds since the epoch.
        now: Clock of the circuit in seconds; monotonic.
    """

    def __init__(
        self,
        store: Store,
        *,
        now_s: Callable[[], float] = time.time,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._circuit = Circuit("the store of the response cache", "nothing is found in it", now)
        self._writer = GroupWriter[Operation, Result](self._run, name="response-cache")
        self._read_bytes = self._written_bytes = 0
        self.now_s = now_s
        self.flights = SingleFlight()

    async def find(self, tenant: str, key: str) -> Entry | None:
        """Returns what is kept under a key of a tenant, None where nothing is."""
        return await self._find(tenant, key, decode)

    async def find_candidate(self, tenant: str, key: str) -> Candidate | None:
        """Returns the question that is kept under a key of a tenant, None where none is."""
        return await self._find(tenant, key, decode_candidate)

    def keep(
        self,
        tenant: str,
        key: str,
        entry: Entry,
        *,
        documents: Sequence[str],
        user: str,
        conversation: str = "",
        ttl_s: float,
        begun_s: float,
        candidate: tuple[str, Candidate] | None = None,
    ) -> None:
        """Keeps an answer, unless it is too long; waits for nothing.

        Args:
            tenant: Whose it is.
            key: Its key.
            entry: The answer.
            documents: Ids of the documents that it is made from.
            user: For whom it was written, as the request names them; empty for nobody.
            conversation: The kept conversation that it was written in; empty for none.
            ttl_s: Time that it is kept; up to a tenth less.
            begun_s: When the request began, in seconds since the epoch: what was forgotten since is
                not kept.
            candidate: The question of the answer, and the key that others look for it under; it
                goes with the answer, in place of a former one.
        """
        value = encode(entry)
        if len(value) > MAX_VALUE_BYTES:
            return
        tags = [document_tag(name) for name in documents]
        tags += [user_tag(user)] if user else []
        tags += [conversation_tag(conversation)] if conversation else []
        ttl_s *= 1.0 - _JITTER_RATIO * random.random()
        values = [(key, value)]
        values += [(candidate[0], encode_candidate(candidate[1]))] if candidate else []
        for place, kept in values:
            self._writer.post(Put(tenant, place, kept, tuple(tags), ttl_s, begun_s))
            self._written_bytes += len(kept)

    async def forget_documents(self, tenant: str, document_ids: Sequence[str]) -> int:
        """Deletes all answers made from documents, and returns how many that were; raises as
        `forget_tenant`."""
        return await self._forget([Forget(tenant, document_tag(name)) for name in document_ids])

    async def forget_user(self, tenant: str, user: str) -> int:
        """Deletes all answers to a user; see `forget_documents`."""
        return await self._forget([Forget(tenant, user_tag(user))])

    async def forget_conversation(self, tenant: str, conversation: str) -> int:
        """Deletes all answers that were written in a conversation; see `forget_documents`."""
        return await self._forget([Forget(tenant, conversation_tag(conversation))])

    async def forget_tenant(self, tenant: str) -> int:
        """Deletes all answers of a tenant.

        Raises:
            Unavailable: the store does not answer: what it has stays until its time is over.
        """
        return await self._forget([Forget(tenant)])

    def counts(self) -> CacheCounts:
        """Returns what metrics say."""
        return CacheCounts(
            is_away=self._circuit.is_away,
            failed_calls=self._circuit.failed_calls,
            read_bytes=self._read_bytes,
            written_bytes=self._written_bytes,
        )

    @asynccontextmanager
    async def running(self, close_s: float = 2.0) -> AsyncIterator[None]:
        """Keeps what is left to keep at the end of the block, within so many seconds."""
        try:
            yield
        finally:
            if await asyncio.to_thread(self._writer.close, close_s):
                await asyncio.to_thread(self._store.close)

    async def _find(
        self, tenant: str, key: str, read: Callable[[bytes], Found | None]
    ) -> Found | None:
        try:
            async with asyncio.timeout(_LOOKUP_S):
                value = await self._writer.submit(Get(tenant, key))
        except (StoreAway, TimeoutError):
            return None
        if not isinstance(value, bytes):
            return None
        found = read(value)
        if found is None:
            self._writer.post(Forget(tenant, key=key))
            return None
        self._read_bytes += len(value)
        return found

    async def _forget(self, operations: Sequence[Forget]) -> int:
        futures = [self._writer.submit(operation) for operation in operations]
        try:
            async with asyncio.timeout(_FORGET_S):
                counts = await gather_or_cancel(*futures)
        except (StoreAway, TimeoutError) as error:
            raise Unavailable(
                "The response cache does not answer; what it has stays until its time is over.",
                "cache",
                1.0,
            ) from error
        return sum(count for count in counts if isinstance(count, int))

    def _run(self, operations: Sequence[Operation]) -> Sequence[Result]:
        """Asks the store; called in the writer's thread."""
        if not self._circuit.may_ask:
            raise StoreAway("it is left alone for a moment")
        try:
            results = self._store.run(operations)
        except StoreAway as error:
            self._circuit.failed(error)
            raise
        except Exception as error:
            # Whatever a library raises that nobody thought of: no answer depends on it.
            _log.exception("the response cache failed")
            self._circuit.failed(StoreAway(repr(error)))
            raise StoreAway(repr(error)) from error
        self._circuit.succeeded()
        return results
