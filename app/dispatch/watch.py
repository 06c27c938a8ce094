"""What became of a request, told once: for the comparison of releases."""

import asyncio
import time

from app.dispatch.observer import Observer
from app.releases.assignment import Assignment
from app.request.attempt import AttemptRecord
from app.request.figures import ABORTED, FAILED, Values, observe_answer
from app.settings.live.prices import PriceTable
from deployments.contracts.errors import RequestError
from deployments.contracts.generation import Generation


class Watch:
    """Reports what becomes of a request, once: as a context, that its work failed or was given up.

    What a release refuses because of the request itself says nothing of the release; and of a
    request that is repeated on the canary, the repetition is what counts.
    """

    def __init__(self, observer: Observer, assignment: Assignment, prices: PriceTable) -> None:
        self.assignment = assignment
        self._observer = observer
        self._prices = prices
        self._begun_s = time.time()
        self._started_s = time.perf_counter()
        self._done = assignment.arm is None or assignment.shadow is not None

    def answered(self, written: Generation, record: AttemptRecord) -> Values:
        """Reports an answer, and returns its figures; that of stable in the place of a canary is
        none of the canary's."""
        total_ms = (time.perf_counter() - self._started_s) * 1e3
        values = observe_answer(written, record, total_ms=total_ms, prices=self._prices)
        self._report(values)
        return values

    def failed(self) -> None:
        """Reports that there was no answer."""
        self._report(FAILED)

    def aborted(self) -> None:
        """Reports that the caller went away."""
        self._report(ABORTED)

    def dismiss(self) -> None:
        """Has nothing reported: what was written for another request is no evidence."""
        self._done = True

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None or issubclass(kind, RequestError):
            return
        left = issubclass(kind, asyncio.CancelledError | GeneratorExit)
        self._report(ABORTED if left else FAILED)

    def _report(self, values: Values) -> None:
        if not self._done:
            self._done = True
            self._observer.observe(self.assignment, self._begun_s, values)
