"""Activity on its way from an ingress replica to the tracker: nothing twice, nothing lost."""

import time
from collections import Counter
from collections.abc import Callable, Mapping

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
        self._refused = Counter[str]()

    @property
    def waiting_requests(self) -> int:
        """Requests whose usage nobody has taken yet."""
        report = self._unanswered
        return self._tally.requests + (0 if report is None else _requests_of(report))

    def dropped(self) -> Mapping[str, int]:
        """Returns what is lost so far: `requests` whose usage the tracker refused for good, and
        `minutes` of releases whose figures it refused, or nobody took for too long."""
        return {
            "requests": self._refused["requests"],
            "minutes": self._refused["minutes"] + self._tally.dropped_minutes,
        }

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

    def refused(self) -> int:
        """Drops the last report, which nobody will ever take, so that those after it are told; and
        returns how many requests it had the usage of."""
        report, self._unanswered = self._unanswered, None
        if report is None:
            return 0
        requests = _requests_of(report)
        self._refused.update(requests=requests, minutes=len(report.minutes))
        return requests


def _requests_of(report: ActivityReport) -> int:
    return sum(usage.requests for usage in report.usage.values())
