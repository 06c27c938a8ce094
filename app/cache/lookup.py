"""The steps that both levels of the cache share: find an answer, or be the one who writes it."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace

from app.cache.entry import Entry, Level
from app.cache.keys import SHOWN_DIGITS
from app.cache.response_cache import ResponseCache
from app.cache.single_flight import Lead
from app.request.caching import CacheNote, DescribedGenerator
from deployments.contracts.calls import CallContext
from deployments.contracts.errors import StageError
from deployments.contracts.generation import Events, Generation

Search = Callable[[], Awaitable[Entry | None]]
_log = logging.getLogger("ray.serve")
_FACTS_S = 1.0
"""Time for what a generator says of itself; one that does not say it is asked as ever."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Whose request it is.

    Attributes:
        tenant: Whose answers they may get.
        user: As the request names them; empty for nobody.
        conversation: The kept conversation that it goes on with; empty for none.
        trace_id: Of the request.
        begun_s: When it began, in seconds since the epoch.
        reads: Whether they may be answered from the cache. What is written for them is kept in
            either case.
    """

    tenant: str
    user: str
    trace_id: str
    begun_s: float
    reads: bool = True
    conversation: str = ""


async def find(
    cache: ResponseCache,
    asker: Asker,
    key: str,
    *,
    timeout_s: float,
    otherwise: Search | None = None,
) -> Entry | Lead | None:
    """Returns the answer under a key, or the lead for whoever is to write it, which must end; None
    for whoever writes it for nobody else.

    Args:
        cache: Where answers are.
        asker: Whose request it is.
        key: Of the answer.
        timeout_s: Time to wait for an equal request that is under way.
        otherwise: Looks for another answer that is as good, where there is none under the key.
    """
    if not asker.reads:
        return cache.flights.unseen(key)
    joined = await cache.flights.join(key, timeout_s=timeout_s)
    if not isinstance(joined, Lead):
        return joined
    try:
        # Only now: what the lead before has kept is found.
        entry = await cache.find(asker.tenant, key)
        if entry is None and otherwise is not None:
            entry = await otherwise()
    except BaseException:
        joined.failed()
        raise
    if entry is None:
        return joined
    joined.answered(entry)
    return entry


def note_of(found: Entry | Lead | None, level: Level, key: str, now_s: float) -> CacheNote:
    """Returns what became of a request at a level."""
    shown = key[:SHOWN_DIGITS]
    if isinstance(found, Entry):
        age_s = max(now_s - found.created_s, 0.0)
        return CacheNote("hit", level, shown, age_s, found.trace_id, found.match)
    return CacheNote("miss", level, shown)


async def led(events: Events, lead: Lead, keep: Callable[[Generation], Entry | None]) -> Events:
    """Yields an answer and ends the lead: with what is kept of it, as soon as it is whole, or,
    where it breaks off, for the next one.

    Args:
        events: The answer.
        lead: For which equal requests wait.
        keep: Keeps the whole answer, and returns what others may have; None for nothing.
    """
    try:
        async with aclosing(events):
            async for batch in events:
                if isinstance(written := batch[-1], Generation):
                    lead.answered(_kept(keep, written))
                yield batch
    finally:
        lead.failed()  # unless it has ended


async def facts_of_generator(
    generator: DescribedGenerator, call: CallContext
) -> Mapping[str, object]:
    """Returns what a generator says of itself, nothing where it does not answer soon."""
    try:
        timeout_s = min(call.timeout_s / 4, _FACTS_S)
        return await generator.description(call=replace(call, timeout_s=timeout_s))
    except StageError:
        return {}


def _kept(keep: Callable[[Generation], Entry | None], written: Generation) -> Entry | None:
    try:
        return keep(written)
    except Exception:
        _log.exception("an answer is not kept")
        return None
