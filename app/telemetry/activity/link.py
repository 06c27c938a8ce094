"""The tie between an ingress replica and the tracker: once a second it says what was served. While
nobody takes it, it waits; what the tracker will never take is dropped, and counted."""

import asyncio
import logging

from app.telemetry.activity.outbox import ActivityOutbox
from deployments.activity import TrackerStage
from deployments.contracts.calls import CallContext
from deployments.contracts.errors import RagError, RequestError

_log = logging.getLogger("ray.serve")
_TIMEOUT_S = 5.0
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
        self._tracker = tracker
        self._outbox = outbox
        self._call_id = f"activity-{replica}"
        self._every_s = every_s
        self._turn = asyncio.Lock()  # a second answer to one report would be taken for the next's
        self._failing = False
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Goes on by itself from now on."""
        self._task = asyncio.create_task(self._go_on())

    async def exchange(self, *, last: bool = False) -> bool:
        """Tells what there is to tell, and returns whether it is kept; after a long outage that is
        a part of it. What is refused for good is dropped: all that comes later would wait for it.

        Args:
            last: See `ActivityOutbox.report`.
        """
        async with self._turn:
            report = self._outbox.report(last=last)
            if report is None:
                return True
            try:
                call = CallContext(self._call_id, _TIMEOUT_S)
                await self._tracker.take(report, call=call)
            except RequestError as error:
                requests = self._outbox.refused()
                _log.error("the tracker refuses the usage of %d requests: %s", requests, error)
                return False
            except RagError as error:
                if not self._failing:
                    _log.warning("the tracker does not answer, usage waits: %s", error)
                self._failing = True
                return False
            self._outbox.answered()
        if self._failing:
            _log.info("the tracker takes usage again")
        self._failing = False
        return True

    async def flush(self, timeout_s: float) -> bool:
        """Tells everything before the replica ends, samples of the minute included, and returns
        whether it is kept. It gives up after a while, and never raises."""
        if self._task is not None:
            self._task.cancel()
        try:
            async with asyncio.timeout(timeout_s):
                while self._outbox.report(last=True) is not None:
                    if not await self.exchange(last=True):
                        await asyncio.sleep(_AGAIN_S)
        except Exception as error:
            waiting = self._outbox.waiting_requests
            _log.error("the usage of %d requests is lost: %r", waiting, error)
            return False
        return True

    async def _go_on(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            try:
                await self.exchange()
            except Exception:
                _log.exception("usage was not told")
