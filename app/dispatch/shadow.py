"""Repeats a share of the requests on a release that answers nobody yet, after their own answers."""

import asyncio
import logging
import random
import time
from dataclasses import replace

from app.answering.ask import Ask
from app.answering.written import Answer
from app.dispatch.comparison import agreement, overlap_at_k
from app.dispatch.judge import LanguageModelJudge
from app.dispatch.observer import Observer
from app.releases.assignment import Assignment
from app.releases.attempt import attempt_of
from app.releases.releases import Releases
from app.request.figures import FAILED, Values, observe_answer
from app.request.scope import RequestScope
from app.telemetry.inner import reported
from app.telemetry.requests import Telemetry
from deployments.contracts.generation import collect

_log = logging.getLogger("ray.serve")
_AFTER_S = 0.02
"""First the answer goes out."""
_ROUTE = "(shadow)"


class Shadow:
    """Repeats requests; what comes back is compared and thrown away.

    Args:
        releases: Where a release's stages are found.
        observer: Told how the answers compare.
        judging: Compares answers by a language model.
        telemetry: Where repetitions are reported.
        max_requests: Repeated at once; others are not repeated.
        timeout_s: Time of one repetition.
    """

    def __init__(
        self,
        releases: Releases,
        observer: Observer,
        judging: LanguageModelJudge,
        telemetry: Telemetry,
        *,
        max_requests: int,
        timeout_s: float,
    ) -> None:
        self._releases = releases
        self._observer = observer
        self._judging = judging
        self._telemetry = telemetry
        self._max_requests = max_requests
        self._timeout_s = timeout_s
        self._running: set[asyncio.Task[None]] = set()
        self.dropped = 0
        """Requests that were not repeated because too many were."""

    def offer(
        self,
        ask: Ask,
        assignment: Assignment,
        answer: Answer,
        values: Values,
        scope: RequestScope,
    ) -> None:
        """Repeats a request, if its assignment says so and there is room.

        What is compared are both answers to the same requests.

        Args:
            ask: What was asked.
            assignment: Who answered it, and where it is repeated.
            answer: What the caller got.
            values: Its figures.
            scope: The request.
        """
        if assignment.shadow is None:
            return
        if len(self._running) >= self._max_requests:
            self.dropped += 1
            return
        self._observer.observe(replace(assignment, arm="baseline"), time.time(), values)
        repetition = self._repeat(ask, assignment, assignment.shadow, answer, scope)
        task = asyncio.create_task(repetition)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def close(self, timeout_s: float) -> None:
        """Lets repetitions under way end within so many seconds, and gives the others up."""
        if not self._running:
            return
        _, late = await asyncio.wait(self._running, timeout=timeout_s)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=_AFTER_S)

    async def _repeat(
        self, ask: Ask, assignment: Assignment, release: str, stable: Answer, origin: RequestScope
    ) -> None:
        await asyncio.sleep(_AFTER_S)
        scope = origin.child(f"{origin.request_id}-shadow").within(self._timeout_s)
        attempt = attempt_of(self._releases.route(release), scope)
        scope.notes.attempt = attempt.record
        assignment.note(scope.notes, release=release)
        scope.notes.messages = ask.messages
        begun_s, started_s = time.time(), time.perf_counter()
        try:
            with reported(self._telemetry, scope, "shadow", route=_ROUTE):
                begun = await ask.begin(attempt, timeout_s=self._timeout_s)
                written = await collect(begun.events)
                scope.notes.written = written
                tried = Answer(written, tuple(begun.sources))
        except Exception as error:
            _log.warning("request %s: %s failed: %r", scope.request_id, release, error)
            self._observer.observe(assignment, begun_s, FAILED)
            return
        total_ms = (time.perf_counter() - started_s) * 1e3
        values = observe_answer(
            tried.generation,
            attempt.record,
            total_ms=total_ms,
            prices=self._releases.settings().prices,
        )
        self._observer.observe(assignment, begun_s, values)
        pair = {
            "overlap": overlap_at_k(stable.sources, tried.sources),
            "agreement": agreement(stable.generation.text, tried.generation.text),
            "judge": await self._judged(ask, assignment, stable, tried, scope),
        }
        self._observer.observe_pair(assignment, begun_s, pair)

    async def _judged(
        self,
        ask: Ask,
        assignment: Assignment,
        stable: Answer,
        tried: Answer,
        scope: RequestScope,
    ) -> float | None:
        rollout = assignment.rollout
        if rollout is None or rollout.policy.judge is None:
            return None
        if not self._judging.takes(rollout, random.random()):
            return None
        return await self._judging.score(
            rollout.policy.judge,
            question=ask.text,
            stable=stable.generation.text,
            canary=tried.generation.text,
            origin=scope,
        )
