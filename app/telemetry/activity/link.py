"""The tie between an ingress replica and the tracker: once a second it says what was served. While
nobody takes it, it waits; what the tracker will never take is dropped, and counted."""

import asyncio
import logging

from app.telemetry.activity.outbox import ActivityOutbox
from deployments.activity import ActivityReport, TrackerStage
from deployments.serving.report_link import ReportLink

_log = logging.getLogger("ray.serve")
_AGAIN_S = 0.1


class TrackerLink:
    """One replica's tie.

    Args:
        tracker: Takes reports.
        outbox: Has them.
        replica: Name of this replica.
        every_s: Seconds between two reports.
    """

    def __init__(
        self, tracker: TrackerStage, outbox: ActivityOutbox, *, replica: str, every_s: float
    ) -> None:
        self._outbox = outbox
        self._every_s = every_s
        self._link: ReportLink[ActivityReport, None] = ReportLink(
            outbox,
            tracker.take,
            heard=lambda _: None,
            to="the tracker",
            while_away="usage waits",
            call_id=f"activity-{replica}",
        )

    def begin(self) -> None:
        """Goes on by itself from now on."""
        self._link.begin(self._every_s)

    async def exchange(self) -> bool:
        """Tells what there is to tell, and returns whether it is kept; after a long outage that is
        a part of it."""
        return await self._link.exchange()

    async def flush(self, timeout_s: float) -> bool:
        """Tells everything before the replica ends, samples of the minute included, and returns
        whether it is kept. It gives up after a while, and never raises."""
        self._link.end()
        try:
            async with asyncio.timeout(timeout_s):
                while self._outbox.report(last=True) is not None:
                    if not await self._link.exchange():
                        await asyncio.sleep(_AGAIN_S)
        except Exception as error:
            waiting = self._outbox.waiting_requests
            _log.error("the usage of %d requests is lost: %r", waiting, error)
            return False
        return True
