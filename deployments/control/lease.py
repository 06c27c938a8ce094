"""Who may decide, where several processes could: one at a time, and one that was slow finds out.

A holder says again and again that it lives. Others wait until they have heard nothing of it for
some time by their own clock, so that the clocks of machines need not agree; then one of them takes
over, with a higher number. Whoever writes with a lower one is refused by the database.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

BEAT_EVERY_S = 1.0
SILENT_S = 6.0
"""A holder that has not been heard of for so long has lost it. A controller that was killed is
followed by another one after that, and requests are answered meanwhile."""


@dataclass(frozen=True, slots=True)
class Held:
    """A lease: whose it is, its number, which each new holder raises, and how often they said that
    they live."""

    holder: str
    fence: int
    beats: int


class Leases(Protocol):
    """Keeps leases; see `deployments.control.store.ControlStore`."""

    def beat(self, holder: str, silent: Held | None) -> Held:
        """Renews the lease of its holder, takes it where nobody has it or where it is still as
        `silent` says, and returns it."""
        ...


class Lease:
    """The lease as one process sees it. Its methods block.

    Args:
        store: Keeps it.
        holder: Names this process; no two have the same name.
        now_s: Clock in seconds that only grows.
    """

    def __init__(self, store: Leases, holder: str, now_s: Callable[[], float]) -> None:
        self._store = store
        self._holder = holder
        self._now_s = now_s
        self._seen: Held | None = None
        self._changed_s = self._asked_s = float("-inf")

    def take(self) -> int | None:
        """Returns the number to write with, None while another process has the lease.

        Raises:
            Unavailable: the database does not answer.
        """
        now_s = self._now_s()
        if now_s - self._asked_s >= BEAT_EVERY_S:
            silent = self._seen if now_s - self._changed_s >= SILENT_S else None
            held = self._store.beat(self._holder, silent)
            if held != self._seen:
                self._changed_s = now_s
            self._seen, self._asked_s = held, now_s
        seen = self._seen
        return seen.fence if seen is not None and seen.holder == self._holder else None

    def lose(self) -> None:
        """Asks the database at the next turn, as somebody else has taken over."""
        self._asked_s = float("-inf")
