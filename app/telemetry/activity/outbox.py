"""Activity on its way from an ingress replica to the tracker: nothing twice, nothing lost."""

import time
from collections import Counter
from collections.abc import Callable, Mapping

from app.settings.cold.activity import ActivityArgs
from app.settings.live.gateway import GatewayLive
from app.telemetry.activity.meter import ActivityMeter
from app.telemetry.activity.tally import ActivityTally
from deployments.activity import ActivityReport
from deployments.serving.report_link import Outbox

_MINUTE_S = 60


class ActivityOutbox(Outbox[ActivityReport]):
    """Adds up what a replica's meter saw, for the reports that carry it.

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
        super().__init__()
        self._replica = replica
        self._now_s = now_s
        self._is_last = False
        self._tally = ActivityTally(args)
        self.meter = ActivityMeter(self._tally, settings)
        """The `Sink` that fills it."""
        self._refused = Counter[str]()

    @property
    def waiting_requests(self) -> int:
        """Requests whose usage nobody has taken yet."""
        report = self._unanswered
        return self._tally.requests + (0 if report is None else _requests_of(report))

    def dropped(self) -> Mapping[str, int]:
        """Returns what is lost so far: `requests` whose usage the tracker refused for good,
        `minutes` of releases whose figures it refused, or nobody took for too long, and `answers`
        that for the same reasons cannot be rated."""
        return {
            "requests": self._refused["requests"],
            "minutes": self._refused["minutes"] + self._tally.dropped_minutes,
            "answers": self._refused["answers"] + self._tally.dropped_answers,
        }

    def report(self, *, last: bool = False) -> ActivityReport | None:
        """See `Outbox.report`.

        Args:
            last: Whether samples go that would else wait for the end of their minute.
        """
        self._is_last = last
        return super().report()

    def make(self, sequence: int) -> ActivityReport | None:
        """See `Outbox.make`."""
        minute = int(self._now_s() // _MINUTE_S) + (1 if self._is_last else 0)
        drained = self._tally.drain(minute)
        if not drained:
            return None
        vectors = self.meter.vectors({figures.fingerprint for figures in drained.minutes})
        return ActivityReport(
            self._replica,
            sequence,
            drained.usage,
            drained.minutes,
            drained.samples,
            vectors,
            drained.answers,
            drained.judgements,
        )

    def refused(self) -> str:
        """See `Outbox.refused`."""
        report = self._unanswered
        super().refused()
        requests = 0 if report is None else _requests_of(report)
        minutes = 0 if report is None else len(report.minutes)
        answers = 0 if report is None else len(report.answers)
        self._refused.update(requests=requests, minutes=minutes, answers=answers)
        return f"the usage of {requests} requests"


def _requests_of(report: ActivityReport) -> int:
    return sum(usage.requests for usage in report.usage.values())
