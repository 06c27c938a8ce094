"""Activity on its way from an ingress replica to the tracker: nothing twice, nothing lost."""

import time
from collections.abc import Callable

from app.settings.activity import ActivityArgs
from app.settings.live import GatewayLive
from app.telemetry.activity.meter import ActivityMeter
from app.telemetry.activity.tally import ActivityTally
from deployments.activity import ActivityReport

_MINUTE_S = 60


class ActivityOutbox:
    """Numbers the reports that carry what a replica's meter saw.

    A report stays the same until its answer has come; what is seen meanwhile is added up, and goes
    with the next one.

    Args:
        replica: Name of this replica.
        settings: Returns the live settings; see `ActivityMeter`.
        args: The bounds of what may wait.
        now_s: Seconds since the epoch.
    """

    def __init__(
        self,
        replica: str,
        settings: Callable[[], GatewayLive | None],
        args: ActivityArgs,
        *,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._replica = replica
        self._now_s = now_s
        self._tally = ActivityTally(args)
        self.meter = ActivityMeter(self._tally, settings)
        """The `Sink` that fills it."""
        self._sequence = 0
        self._unanswered: ActivityReport | None = None

    @property
    def waiting_requests(self) -> int:
        """Requests whose usage nobody has taken yet."""
        report = self._unanswered
        told = 0 if report is None else sum(one.requests for one in report.usage.values())
        return told + self._tally.requests

    @property
    def dropped_minutes(self) -> int:
        """See `ActivityTally.dropped_minutes`."""
        return self._tally.dropped_minutes

    def report(self, *, last: bool = False) -> ActivityReport | None:
        """Returns what to tell the tracker now: the report that nobody answered, or a new one with
        what was seen since; None where that is nothing.

        Args:
            last: Whether samples go that would else wait for the end of their minute.
        """
        if self._unanswered is None:
            minute = int(self._now_s() // _MINUTE_S) + (1 if last else 0)
            drained = self._tally.drain(minute)
            if not drained:
                return None
            self._sequence += 1
            vectors = self.meter.vectors({one.fingerprint for one in drained.minutes})
            self._unanswered = ActivityReport(
                self._replica,
                self._sequence,
                drained.usage,
                drained.minutes,
                drained.samples,
                vectors,
            )
        return self._unanswered

    def answered(self) -> None:
        """Notes that the last report has arrived."""
        self._unanswered = None
