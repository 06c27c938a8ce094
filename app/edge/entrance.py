"""What every request passes, whatever it came by: who asks and whether they may, a place among
those under way, what it is charged, and what is told of it when it has ended."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from starlette.datastructures import Headers

from app.access.check import AccessCheck
from app.edge.foreground import Foreground
from app.edge.limit import AdmissionLimit, Permit, too_many_requests
from app.edge.visit import Visit
from app.limits.limiter import Limiter
from app.request.waiting import waiting
from app.settings.cold.gateway import GatewayArgs
from app.telemetry.requests import Telemetry


class Entrance:
    """The one that all doors of a replica share: what is full is full for all of them.

    Args:
        args: The bounds.
        telemetry: Told of every request but health checks.
        access: Tells who asks, and whether they may.
        limiter: Counts what keys and tenants ask and spend; None where nobody does.

    Attributes:
        limit: How many requests are under way, and how many may be.
        foreground: Those of them that somebody waits for.
    """

    def __init__(
        self,
        args: GatewayArgs,
        telemetry: Telemetry,
        access: AccessCheck,
        limiter: Limiter | None = None,
    ) -> None:
        self._telemetry = telemetry
        self._access = access
        self._limiter = limiter
        self.limit = AdmissionLimit(
            max_requests=args.max_concurrent_requests, target_wait_s=args.target_wait_s
        )
        self.foreground = Foreground()

    async def identify(self, visit: Visit, headers: Headers) -> None:
        """Finds out who asks, unless there is no room for anybody; raises as `AccessCheck.admit`.

        Raises:
            Overloaded: there is none.
        """
        if self.limit.is_reached:
            raise too_many_requests()
        principal = await self._access.admit(visit.method, visit.path, headers)
        visit.identify(principal, self._access)

    def identify_background(self, visit: Visit) -> None:
        """Takes the word of the service, which asks itself, for whom it asks."""
        assert visit.request.background is not None
        visit.identify(visit.request.background.principal, self._access)

    @contextmanager
    def running(self, visit: Visit, *, in_background: bool) -> Iterator[Permit]:
        """Counts a request as under way; raises as `AdmissionLimit.running`.

        Args:
            visit: The request.
            in_background: Whether nobody sits waiting for it: how long it waits for a stage is then
                no sign of overload.
        """
        waited_for = nullcontext() if in_background else self.foreground.running()
        tenant = visit.request.principal.tenant
        with self.limit.running(tenant) as permit, waiting() as waited, waited_for:
            yield permit
        if waited.calls and not in_background:
            # What is many requests in one waits for itself.
            self.limit.observe(waited.longest_s / permit.weight)

    async def charge(self, visit: Visit) -> None:
        """Has a request counted, where anything bounds whoever sends it.

        Raises:
            LimitReached: it is one too many.
        """
        if self._limiter is None:
            return
        visit.charge = self._limiter.charge(visit.request.principal)
        if visit.charge is not None:
            await visit.charge.begin()

    async def end(self, visit: Visit, *, is_told: bool) -> None:
        """Frees what a request held, settles its bill, and reports it, which health checks are
        not."""
        try:
            await visit.request.end()
        finally:
            visit.settle()
        if is_told:
            self._telemetry.finished(visit.finished())

    def note_refusal(self, visit: Visit) -> None:
        """Reports a request that was turned away before it came in."""
        self._telemetry.finished(visit.finished())
