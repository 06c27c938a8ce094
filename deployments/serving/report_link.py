"""Reports from one replica to another: about once in a while it says what it saw. Nothing is told
twice, and nothing is lost while nobody answers."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from deployments.contracts.calls import CallContext
from deployments.contracts.errors import RagError, RequestError
from deployments.serving.every import every

_log = logging.getLogger("ray.serve")
_TIMEOUT_S = 5.0
Report = TypeVar("Report")
Answer = TypeVar("Answer")
Told_contra = TypeVar("Told_contra", contravariant=True)
Heard_co = TypeVar("Heard_co", covariant=True)


class Send(Protocol[Told_contra, Heard_co]):
    """Takes a report to who waits for it."""

    async def __call__(self, report: Told_contra, *, call: CallContext) -> Heard_co:
        """Returns what is answered."""
        ...


class Outbox(ABC, Generic[Report]):
    """Numbers reports. One stays the same until its answer has come; what is seen meanwhile goes
    with the next one, under the next number."""

    def __init__(self) -> None:
        self._sequence = 0
        self._unanswered: Report | None = None

    @abstractmethod
    def make(self, sequence: int) -> Report | None:
        """Returns a report of what was seen since the last one, None where that is nothing."""

    def report(self) -> Report | None:
        """Returns what to tell now; None where that is nothing."""
        if self._unanswered is None:
            self._unanswered = self.make(self._sequence + 1)
            if self._unanswered is not None:
                self._sequence += 1
        return self._unanswered

    def answered(self) -> None:
        """Notes that the last report has arrived."""
        self._unanswered = None

    def refused(self) -> str:
        """Drops the last report, which nobody will ever take, so that those after it are told; and
        returns what is lost, in words."""
        self._unanswered = None
        return "a report"


class ReportLink(Generic[Report, Answer]):
    """One replica's tie to who hears its reports.

    Args:
        outbox: Has the reports.
        send: Takes one there.
        heard: Told what was answered.
        to: Who hears them, for the log: "the tracker".
        while_away: What becomes of things meanwhile, for the log: "usage waits".
        call_id: Names its calls.
    """

    def __init__(
        self,
        outbox: Outbox[Report],
        send: Send[Report, Answer],
        *,
        heard: Callable[[Answer], object],
        to: str,
        while_away: str,
        call_id: str,
    ) -> None:
        self._outbox = outbox
        self._send = send
        self._heard = heard
        self._to = to
        self._while_away = while_away
        self._call_id = call_id
        self._turn = asyncio.Lock()  # a second answer to one report would be taken for the next's
        self._failing = False
        self._task: asyncio.Task[None] | None = None

    def begin(self, every_s: float) -> None:
        """Goes on by itself from now on."""
        work = every(every_s, self.exchange, fails=f"a report to {self._to} failed")
        self._task = asyncio.create_task(work)

    def end(self) -> None:
        """Goes on no more."""
        if self._task is not None:
            self._task.cancel()

    async def exchange(self) -> bool:
        """Tells what there is to tell, and returns whether that arrived. What is refused for good
        is dropped: all that comes later would wait for it."""
        async with self._turn:
            report = self._outbox.report()
            if report is None:
                return True
            try:
                answer = await self._send(report, call=CallContext(self._call_id, _TIMEOUT_S))
            except RequestError as error:
                _log.error("%s refuses %s: %s", self._to, self._outbox.refused(), error)
                return False
            except RagError as error:
                if not self._failing:
                    _log.warning("%s does not answer, %s: %s", self._to, self._while_away, error)
                self._failing = True
                return False
            self._outbox.answered()
            self._heard(answer)
        if self._failing:
            _log.info("%s answers again", self._to)
        self._failing = False
        return True
