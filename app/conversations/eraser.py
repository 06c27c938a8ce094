"""Erases a conversation, or all of a user's, everywhere: at once where that can be, and again until
every place says that nothing is left.

Requests that had begun before may still leave something, and places may be away: so a deletion is
written down first, and tried again by whichever replica comes by, until those requests have ended
and all places have said twice in a row that nothing is left.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from deployments.contracts.erasure import ErasedPlace, ErasureScope
from deployments.contracts.errors import DeadlineExceeded, RagError
from deployments.contracts.tenants import Erased
from deployments.conversations.deletions import Deletion, DeletionStore

_KEPT_S = 30 * 86_400.0
"""Time that the receipt of a deletion that is done can be looked up."""
_QUIET_TRIES = 2
_MOST_AT_ONCE = 200
_PLACE_S = 10.0
"""Time that one place has in one try."""
_log = logging.getLogger("ray.serve")

Place = Callable[[ErasureScope], Awaitable[Erased]]
"""Removes what it has, or some of it, and says whether anything is left."""


class Eraser:
    """Erases.

    Args:
        store: Keeps deletions.
        places: Where something may be, by name, in the order in which they are asked: first what
            others are made from.
        own: Places of this replica alone, such as a folder on its disk: all replicas ask theirs.
        late_s: Time after which no request that had begun before leaves anything any more.
        retry_s: Time between two tries of one deletion.
        now: Seconds since the epoch.
    """

    def __init__(
        self,
        store: DeletionStore,
        places: Mapping[str, Place],
        *,
        own: Mapping[str, Place] | None = None,
        late_s: float,
        retry_s: float = 60.0,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._places = places
        self._own = own or {}
        self._late_s = late_s
        self._retry_s = retry_s
        self._now = now

    async def erase(self, scope: ErasureScope) -> Deletion:
        """Erases what can be erased now, and returns the receipt.

        Raises:
            StageError: the database does not answer: nothing was erased.
        """
        now_s = self._now()
        scope = replace(scope, before_s=now_s)
        deletion = Deletion(f"del_{secrets.token_hex(16)}", scope, now_s, now_s + self._late_s)
        waiting = [ErasedPlace(name, is_done=False, reason="owed") for name in self._all()]
        deletion = replace(deletion, places=tuple(waiting))
        await asyncio.to_thread(self._store.add, deletion)
        # Also when the caller has left: the rest would wait for the next try.
        return await asyncio.shield(asyncio.create_task(self._try(deletion, self._all())))

    async def find(self, tenant: str, deletion_id: str) -> Deletion | None:
        """Returns a deletion of a tenant; None where there is none."""
        return await asyncio.to_thread(self._store.find, tenant, deletion_id)

    async def retry(self) -> None:
        """Tries deletions again that are not done; to be called every `retry_s`."""
        now_s = self._now()
        for deletion in await asyncio.to_thread(self._store.open, limit=_MOST_AT_ONCE):
            claimed = await asyncio.to_thread(
                self._store.claim, deletion.id, now_s=now_s, rest_s=self._retry_s / 2
            )
            if claimed:
                await self._try(deletion, self._all())
            else:  # somebody else asks the others
                await self._ask(deletion.scope, self._own)
        await asyncio.to_thread(self._store.forget, before_s=now_s - _KEPT_S)

    def _all(self) -> Mapping[str, Place]:
        return {**self._places, **self._own}

    async def _try(self, deletion: Deletion, places: Mapping[str, Place]) -> Deletion:
        before = {one.place: one for one in deletion.places}
        found = await self._ask(deletion.scope, places)
        told = tuple(before[one.place].after(one) if one.place in before else one for one in found)
        quiet_tries = deletion.quiet_tries + 1 if all(one.is_done for one in found) else 0
        now_s = self._now()
        is_over = quiet_tries >= _QUIET_TRIES and now_s >= deletion.until_s
        deletion = replace(
            deletion,
            places=told,
            quiet_tries=quiet_tries,
            done_s=now_s if is_over else None,
        )
        try:
            await asyncio.to_thread(self._store.note, deletion)
        except RagError as error:
            _log.warning("what became of a deletion is not noted, it is tried again: %s", error)
        return deletion

    async def _ask(self, scope: ErasureScope, places: Mapping[str, Place]) -> Sequence[ErasedPlace]:
        return [await _erased(name, place, scope) for name, place in places.items()]


async def _erased(name: str, place: Place, scope: ErasureScope) -> ErasedPlace:
    """Asks a place until nothing is left there, or it does not answer."""
    counts: dict[str, int] = {}
    until_s = time.monotonic() + _PLACE_S
    while True:
        try:
            erased = await place(scope)
        except RagError as error:
            return ErasedPlace(name, counts, is_done=False, reason=error.code)
        except Exception as error:
            _log.exception("a place of texts fails to erase")
            return ErasedPlace(name, counts, is_done=False, reason=type(error).__name__)
        for what, count in erased.counts.items():
            counts[what] = counts.get(what, 0) + count
        if erased.is_done:
            return ErasedPlace(name, counts)
        if time.monotonic() >= until_s:
            return ErasedPlace(name, counts, is_done=False, reason=DeadlineExceeded.code)
