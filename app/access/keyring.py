"""The keys that one replica knows: asked for once, forgotten when they change.

Nothing of it is the truth: a look at the database about once a second says which keys and tenants
have changed, so that what is revoked opens nothing within two seconds anywhere.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Protocol

from cachetools import LRUCache, TTLCache

from deployments.access.secrets import is_well_formed
from deployments.access.store import Changes, KnownKey
from deployments.contracts.errors import RagError, Unavailable

_log = logging.getLogger("ray.serve")
_UNKNOWN_S = 10.0
"""A key that is not known is not looked for again before that."""
_MAX_UNKNOWN = 10_000
LOOK_EVERY_S = 0.8
"""Time between two looks: what is revoked must open nothing within two seconds."""
_FRESH_S = 2.0
"""A look that is older says nothing any more of what was revoked since."""


class KeySource(Protocol):
    """Where keys are kept; its methods block."""

    def upgrade(self) -> None:
        """Makes ready what keys are kept in."""
        ...

    def find(self, secret: str) -> KnownKey | None:
        """Returns the key of a secret, None for one that is not known."""
        ...

    def known(self, key_id: str) -> KnownKey | None:
        """Returns a key by its id, None for one that is not known."""
        ...

    def changes(self, since: int) -> Changes:
        """Returns what changed after a version."""
        ...


class Keyring:
    """Finds keys by their secrets, without asking twice for the same one.

    Args:
        source: Where they are kept.
        digest: Names a secret in memory, so that no secret stays there.
        max_known: Keys at most.
        stale_s: For how long keys are believed while the source does not answer.
        now: Clock in seconds; monotonic.
    """

    def __init__(
        self,
        source: KeySource,
        digest: Callable[[str], str],
        *,
        max_known: int,
        stale_s: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._digest = digest
        self._stale_s = stale_s
        self._now = now
        self._known: LRUCache[str, KnownKey] = LRUCache(max_known)
        # Of its own: strings that somebody makes up must not push out good keys.
        self._unknown: TTLCache[str, bool] = TTLCache(_MAX_UNKNOWN, _UNKNOWN_S, timer=now)
        self._asked: dict[str, asyncio.Task[KnownKey | None]] = {}
        self._version = 0
        self._changed = 0
        self._looked_s = float("-inf")
        self._failing = self._is_ready = False

    @property
    def problem(self) -> str:
        """What is wrong with the source; empty where it answers."""
        return "The database of keys does not answer." if self._failing else ""

    async def find(self, secret: str) -> KnownKey | None:
        """Returns the key of a secret, whether or not it still holds; None for one that is not
        known, and for what cannot be a key.

        Raises:
            Unavailable: it cannot be told, as the source does not answer.
        """
        if not is_well_formed(secret):
            return None
        return await self._find(self._digest(secret), lambda: self._source.find(secret))

    async def by_id(self, key_id: str) -> KnownKey | None:
        """Returns a key by its id, for work that it has asked for before; as `find`."""
        return await self._find(f"id {key_id}", lambda: self._source.known(key_id))

    async def _find(self, name: str, ask: Callable[[], KnownKey | None]) -> KnownKey | None:
        if (known := self._known.get(name)) is not None and self._is_believed():
            return known
        if name in self._unknown:
            return None
        # Many requests with the same new key ask once.
        asked = self._asked.get(name)
        if asked is None:
            asked = self._asked[name] = asyncio.create_task(self._ask(name, ask))
            asked.add_done_callback(lambda _: self._asked.pop(name, None))
        return await asyncio.shield(asked)

    async def look(self) -> None:
        """Forgets what has changed since the last look."""
        try:
            if not self._is_ready:
                await asyncio.to_thread(self._source.upgrade)
                self._is_ready = True
            changes = await asyncio.to_thread(self._source.changes, self._version)
        except RagError as error:
            if not self._failing:
                _log.warning("keys are those that were known before: %s", error)
            self._failing = True
            return
        self._failing = False
        self._looked_s = self._now()
        if changes.version != self._version:
            self._changed += 1
            self._forget(changes)
            self._version = changes.version

    def _is_believed(self) -> bool:
        """Returns whether what is known may be used: while looks succeed, and some time after."""
        return self._now() - self._looked_s <= max(self._stale_s, _FRESH_S)

    def _forget(self, changes: Changes) -> None:
        self._unknown.clear()
        for name, known in list(self._known.items()):
            if known.key.id in changes.keys or known.tenant.id in changes.tenants:
                del self._known[name]

    async def _ask(self, name: str, ask: Callable[[], KnownKey | None]) -> KnownKey | None:
        while True:
            before = self._changed
            try:
                found = await asyncio.to_thread(ask)
            except RagError as error:
                raise Unavailable(
                    "Keys cannot be checked at this moment; retry shortly.", "keys", 1.0
                ) from error
            if before == self._changed:
                break  # else what was read may be of before the change that a look has seen
        if found is None:
            self._unknown[name] = True
        else:
            self._known[name] = found
        return found
