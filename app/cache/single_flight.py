"""Equal requests at once in one replica: the first one works, the others wait for it.

Who waits and leaves takes nothing from the first; where the first one fails, the next one works.
An answer that must not be kept is nobody else's either: then all who wait work by themselves, at
once.
"""

import asyncio

from app.cache.entry import Entry


class Lead:
    """The work of whoever came first; it must end, by one of its methods."""

    def __init__(self, flights: "SingleFlight", key: str) -> None:
        self._flights = flights
        self._key = key
        self.outcome: asyncio.Future[Entry | None] = asyncio.get_running_loop().create_future()

    def answered(self, entry: Entry | None) -> None:
        """Hands the answer to all who wait; None has each of them work."""
        self._flights.leave(self._key, self)
        if not self.outcome.done():
            self.outcome.set_result(entry)

    def failed(self) -> None:
        """Has the next one work."""
        self._flights.leave(self._key, self)
        if not self.outcome.done():
            self.outcome.cancel()


class SingleFlight:
    """The work under way, by key."""

    def __init__(self) -> None:
        self._leads: dict[str, Lead] = {}

    async def join(self, key: str, *, timeout_s: float) -> Lead | Entry | None:
        """Returns the lead to whoever is first, the answer of the first one to all others; None to
        whoever has to work alone, because there is no such answer, or not in time."""
        try:
            async with asyncio.timeout(timeout_s):
                while (lead := self._leads.get(key)) is not None:
                    await asyncio.wait([lead.outcome])
                    if not lead.outcome.cancelled():
                        return lead.outcome.result()
        except TimeoutError:
            return None
        lead = self._leads[key] = Lead(self, key)
        return lead

    def unseen(self, key: str) -> Lead:
        """Returns a lead for which nobody waits."""
        return Lead(self, key)

    def leave(self, key: str, lead: Lead) -> None:
        """Ends the work under a key."""
        if self._leads.get(key) is lead:
            del self._leads[key]
