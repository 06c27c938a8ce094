"""The tracker as the gateway sees it: `TrackerStage` over a handle."""

from collections.abc import Sequence
from typing import cast

from app.stage_handle import StageHandle
from deployments.activity import ActivityReport, UsageQuery, UsageRow
from deployments.contracts import CallContext
from deployments.drift import DriftReport, DriftRequest


class TrackerClient(StageHandle):
    """Asks the tracker.

    Args:
        application: Name of the control application.
    """

    def __init__(self, application: str) -> None:
        super().__init__(application, "Tracker", max_calls=4)

    async def take(self, report: ActivityReport, *, call: CallContext) -> None:
        """See `TrackerStage.take`. Who sends it repeats it, under its number."""
        await self.call("take", report, call=call, attempts=1)

    async def usage(self, query: UsageQuery, *, call: CallContext) -> Sequence[UsageRow]:
        """See `TrackerStage.usage`."""
        return cast(Sequence[UsageRow], await self.call("usage", query, call=call))

    async def drift(self, request: DriftRequest, *, call: CallContext) -> DriftReport:
        """See `DriftStage.drift`."""
        return cast(DriftReport, await self.call("drift", request, call=call, attempts=1))
