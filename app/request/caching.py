"""Whether a request may be answered from what was written before, and what became of that."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from deployments.contracts.calls import CallContext
from deployments.contracts.generation import Events, GenerationRequest

if TYPE_CHECKING:
    from app.request.attempt import AttemptRecord

CacheOutcome = Literal["hit", "miss", "bypass"]
"""Given again; written anew, where it might have been given again; not looked for."""
CacheMatch = Literal["exact", "verified"]
"""Why an answer was given again: its question is equal, or the same in other words."""
CacheWish = Literal["", "refresh", "bypass"]
"""What the client wants: an answer that is written anew and may be kept, or one that is neither
looked for nor kept."""


@dataclass(slots=True)
class CacheNote:
    """What became of an answer in the cache.

    Attributes:
        outcome: See `CacheOutcome`.
        level: `answer` or `generation`; empty where nothing was looked for.
        key: The first digits of its key.
        age_s: Time since it was written; 0 for one that is new.
        trace_id: The trace of the request that it was written for.
        match: See `CacheMatch`; empty where nothing was found.
    """

    outcome: CacheOutcome
    level: str = ""
    key: str = ""
    age_s: float = 0.0
    trace_id: str = ""
    match: CacheMatch | Literal[""] = ""


def wish_of(cache_control: str) -> CacheWish:
    """Returns what a header `Cache-Control` asks for.

    Source: RFC 9111, section 5.2.1.

    >>> wish_of("no-cache"), wish_of("max-age=0, No-Store"), wish_of("max-age=60")
    ('refresh', 'bypass', '')
    """
    said = {part.strip().lower() for part in cache_control.split(",")}
    if "no-store" in said:
        return "bypass"
    return "refresh" if "no-cache" in said else ""


class DescribedGenerator(Protocol):
    """A generator, as far as the cache needs it."""

    async def description(self, *, call: CallContext) -> dict[str, object]:
        """See `Stage.description`."""
        ...


class GenerationCache(Protocol):
    """Gives what a generator wrote for the same prompt."""

    def written(
        self,
        request: GenerationRequest,
        generator: DescribedGenerator,
        record: "AttemptRecord",
        call: CallContext,
        fresh: Callable[[], Events],
    ) -> Events:
        """Yields what was written for a prompt, or what is written now.

        Args:
            request: The prompt.
            generator: Who writes.
            record: What the attempt leaves behind.
            call: The request.
            fresh: Has the generator write.
        """
        ...


class NothingKept:
    """The `GenerationCache` of whoever has none."""

    def written(
        self,
        request: GenerationRequest,
        generator: DescribedGenerator,
        record: "AttemptRecord",
        call: CallContext,
        fresh: Callable[[], Events],
    ) -> Events:
        """See `GenerationCache.written`."""
        return fresh()


NOTHING_KEPT = NothingKept()
