"""Judges a sample of the answers of one replica, one after the other, when there is time for it.

It hears of a request when its answer is out. What waits is bounded, in number and in time: where
others wait for their answers nothing is judged, and what has waited for too long never is.
"""

import asyncio
import logging
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from app.evaluation.answered import Answered, answered
from app.evaluation.judges import Judge, Judged, ModelJudge, RerankerJudge
from app.releases.releases import Releases
from app.settings.live.evaluation import OnlineEvaluation
from app.telemetry.requests import FinishedRequest
from deployments.contracts.calls import CallContext
from deployments.contracts.errors import RagError
from deployments.contracts.tenants import Access

Outcome = Literal["judged", "dropped", "failed"]
"""`dropped`: too many waited, or it has waited for too long. `failed`: the judge had no answer."""
Note = Callable[[FinishedRequest, Judged, float], None]
"""Takes what was said of the answer of a request, and when, in seconds since the epoch."""
_LOOK_EVERY_S = 0.25
_LONGEST_REST_S = 1.0
_log = logging.getLogger("ray.serve")


@dataclass(frozen=True, slots=True)
class _Waiting:
    request: FinishedRequest
    answered: Answered
    since_s: float


class Evaluator:
    """A `Sink` that has answers judged.

    Args:
        settings: Returns what holds at the moment.
        releases: Knows the rerankers of releases, and generators.
        note: Told of every judgement.
        open_requests: Returns how many requests are open that somebody waits for.
        draw: Returns a random number from 0 to 1.
        now: Clock in seconds; monotonic.
    """

    def __init__(
        self,
        settings: Callable[[], OnlineEvaluation],
        releases: Releases,
        note: Note,
        *,
        open_requests: Callable[[], int],
        draw: Callable[[], float] = random.random,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._releases = releases
        self._note = note
        self._open_requests = open_requests
        self._draw = draw
        self._now = now
        self._waiting: deque[_Waiting] = deque()
        self._has_some = asyncio.Event()
        self._counts: Counter[tuple[str, Outcome]] = Counter()

    def take(self, request: FinishedRequest) -> None:
        """See `Sink.take`: has the answer wait for its judgement, if it is drawn."""
        settings = self._settings()
        if settings.share <= 0.0 or self._draw() >= settings.share:
            return
        found = answered(request)
        if found is None:
            return
        if len(self._waiting) >= settings.max_waiting:
            self._count(request, "dropped")
            return
        self._waiting.append(_Waiting(request, found, self._now()))
        self._has_some.set()

    def counts(self) -> Mapping[tuple[str, str], int]:
        """Returns what became of answers that were drawn, by release and outcome."""
        return {(release, outcome): count for (release, outcome), count in self._counts.items()}

    async def run(self) -> None:
        """Judges what waits until cancelled."""
        while True:
            await self._has_some.wait()
            while self._waiting:
                began_s = self._now()
                if await self._judge_next():
                    # The machine has other work: at most half of the time goes into this.
                    await asyncio.sleep(min(self._now() - began_s, _LONGEST_REST_S))
                else:
                    await asyncio.sleep(_LOOK_EVERY_S)
            self._has_some.clear()

    async def _judge_next(self) -> bool:
        """Judges the answer that has waited longest, and drops those that have waited too long;
        returns whether there was time for that."""
        settings = self._settings()
        self._drop_late(settings.patience_s)
        if self._open_requests() > settings.beside:
            return False
        if self._waiting:
            one = self._waiting.popleft()
            self._count(one.request, await self._judge(one, settings))
        return True

    def _drop_late(self, patience_s: float) -> None:
        while self._waiting and self._now() - self._waiting[0].since_s > patience_s:
            self._count(self._waiting.popleft().request, "dropped")

    async def _judge(self, one: _Waiting, settings: OnlineEvaluation) -> Outcome:
        request = one.request
        call = CallContext(
            f"{request.request_id}-evaluation",
            settings.timeout_s,
            request.notes.release,
            background=True,
            # For the same tenant, whose texts these are.
            access=Access(request.notes.tenant),
        )
        try:
            async with asyncio.timeout(settings.timeout_s):
                judged = await self._judge_of(request, settings).judge(one.answered, call)
        except (RagError, TimeoutError) as error:
            _log.warning("the answer of %s is not judged: %r", request.request_id, error)
            return "failed"
        except Exception:
            _log.exception("the answer of %s is not judged", request.request_id)
            return "failed"
        self._note(request, judged, time.time())
        return "judged"

    def _judge_of(self, request: FinishedRequest, settings: OnlineEvaluation) -> Judge:
        if settings.generator is not None:
            return ModelJudge(self._releases.generator(settings.generator), settings.generator)
        return RerankerJudge(self._releases.route(request.notes.release).retrieval.reranker)

    def _count(self, request: FinishedRequest, outcome: Outcome) -> None:
        self._counts[request.notes.release, outcome] += 1
