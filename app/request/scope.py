"""What belongs to one request until its answer: its id, its release, the time it has left."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from app.request.background import Background
from app.request.caching import NOTHING_KEPT, GenerationCache
from app.request.notes import RequestNotes
from app.request.principal import ANONYMOUS, Principal
from app.request.spending import FREE, ExpectedUse, Spending
from app.request.trace_context import TraceContext, trace_of
from deployments.contracts.calls import CallContext
from deployments.contracts.tenants import Access


def _weighs_nothing(_weight: int) -> None:
    """Where nobody counts what runs."""


class Closable(Protocol):
    """What must be closed, once or more often."""

    async def aclose(self) -> object:
        """Frees what it holds."""
        ...


@dataclass(frozen=True, slots=True)
class RequestScope:
    """Made once at admission and passed down, never stored.

    `deadline_s` is on the clock `now`, in seconds.
    """

    request_id: str
    deadline_s: float
    release: str = ""
    now: Callable[[], float] = time.monotonic
    notes: RequestNotes = field(default_factory=RequestNotes)
    trace: TraceContext = field(default_factory=lambda: trace_of(""))
    weigh: Callable[[int], None] = field(default=_weighs_nothing)
    """Has the request count as so many others, once it is known how much work it is; raises
    Overloaded where there is no room for it."""
    background: Background | None = None
    """For whom the service asks itself; None where somebody waits."""
    principal: Principal = ANONYMOUS
    """Who asks."""
    reaches_all_tenants: bool = False
    """Whether its calls reach the documents of all tenants; see `over_all_tenants`."""
    spending: Spending = FREE
    """Counts what they use."""
    cache: GenerationCache = NOTHING_KEPT
    """Gives again what was written for the same prompt; set for each attempt."""
    _streams: list[Closable] = field(default_factory=list)

    def call(self) -> CallContext:
        """Returns what a stage is told: the same identity, and what is left of the time at this
        moment."""
        left_s = self.deadline_s - self.now()
        trace = self.trace.traceparent(sampled=self.notes.trace_wish != "none")
        return CallContext(
            self.request_id,
            left_s,
            self.release,
            trace,
            background=self.background is not None,
            access=Access.everything() if self.reaches_all_tenants else self.principal.access,
        )

    async def reserve(self, expected: ExpectedUse) -> None:
        """Takes aside what the request may use of models; raises as `Spending.reserve`."""
        await self.spending.reserve(expected, self.notes)

    def closes(self, stream: Closable) -> None:
        """Has a stream closed when the request ends, whether or not anybody came to read it."""
        self._streams.append(stream)

    async def end(self) -> None:
        """Closes what is still open."""
        while self._streams:
            await self._streams.pop().aclose()

    def within(self, timeout_s: float) -> "RequestScope":
        """Returns the same request with a deadline `timeout_s` from now."""
        return replace(self, deadline_s=self.now() + timeout_s)

    def over_all_tenants(self) -> "RequestScope":
        """Returns the same request for what an operator has asked of a whole index: copying it,
        fitting its calibration, erasing a tenant."""
        return replace(self, reaches_all_tenants=True)

    def weighed_by(self, weigh: Callable[[int], None] | None) -> "RequestScope":
        """Returns the same request, whose weight somebody counts."""
        return self if weigh is None else replace(self, weigh=weigh)

    def charged_to(self, spending: Spending | None) -> "RequestScope":
        """Returns the same request, of which somebody counts what it uses."""
        return self if spending is None else replace(self, spending=spending)

    def child(self, request_id: str) -> "RequestScope":
        """Returns a request of the same caller inside this one, with notes of its own and a span
        below this one's."""
        return replace(
            self,
            request_id=request_id,
            notes=self.notes.of_caller(),
            trace=trace_of(self.trace.traceparent()),
            weigh=_weighs_nothing,
            cache=NOTHING_KEPT,
        )

    def for_release(self, release: str) -> "RequestScope":
        """Returns the same request, decided for a release."""
        return replace(self, release=release)
