"""Has a request answered by the release that was drawn for it.

Where a canary fails before the first token, stable answers in its place, and the failure counts
against the canary all the same.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from app.asking import Ask
from app.config import Prices
from app.control_link import Observer
from app.observation import ABORTED, FAILED, Values, observe_answer
from app.pipeline import Answer, AnswerStream
from app.releases import Assignment, Releases, Route
from app.request_scope import RequestScope
from app.search import Question, search
from app.shadow import Shadow
from app.trail import Trail
from deployments.contracts import Generation, ScoredChunk
from deployments.generation import GenerationEvent

_log = logging.getLogger("ray.serve")
T = TypeVar("T")
CANARY = "canary"
"""What an answer says under `degraded` where stable answered in place of a canary."""


@dataclass(frozen=True, slots=True)
class Served(Generic[T]):
    """An answer, or one that has begun, and the release that gave it; None where a generator was
    asked under its own name."""

    value: T
    release: str | None
    scope: RequestScope
    trail: Trail


class Dispatcher:
    """Answers assigned requests.

    Args:
        releases: Where a release's stages are found.
        observer: Told what became of every request.
        shadow: Repeats requests on a release that is only tried.
    """

    def __init__(self, releases: Releases, observer: Observer, shadow: Shadow) -> None:
        self._releases = releases
        self._observer = observer
        self._shadow = shadow

    async def answer(self, ask: Ask, assignment: Assignment, scope: RequestScope) -> Served[Answer]:
        """Returns the whole answer."""
        watch = self._watch(assignment)
        served = await self._serve(ask.answer, watch, scope)
        watch.answered(served.value.generation, served.trail)
        self._shadow.offer(ask, assignment, served.value, scope)
        return served

    async def begin(
        self, ask: Ask, assignment: Assignment, scope: RequestScope, *, timeout_s: float
    ) -> Served[AnswerStream]:
        """Returns the answer as a stream that has begun; from then on nobody takes its place.

        Args:
            ask: What is wanted.
            assignment: Who answers.
            scope: The request; its deadline holds for the first token.
            timeout_s: Time until the end of the stream.
        """

        async def begin(route: Route, scope: RequestScope, trail: Trail) -> AnswerStream:
            return await ask.begin(route, scope, trail, timeout_s=timeout_s)

        watch = self._watch(assignment)
        served = await self._serve(begin, watch, scope)
        events = self._observed(served, watch, ask)
        return replace(served, value=replace(served.value, events=events))

    async def search(
        self, question: Question, assignment: Assignment, scope: RequestScope
    ) -> Served[list[ScoredChunk]]:
        """Returns the chunks for a question. It is no evidence: only answers are compared."""

        async def work(route: Route, scope: RequestScope, trail: Trail) -> list[ScoredChunk]:
            return await search(question, route, scope, trail)

        return await self._serve(work, self._watch(replace(assignment, arm=None)), scope)

    def _watch(self, assignment: Assignment) -> "_Watch":
        release = self._releases.settings().releases[assignment.release]
        return _Watch(self._observer, assignment, release.prices)

    async def _serve(
        self,
        work: Callable[[Route, RequestScope, Trail], Awaitable[T]],
        watch: "_Watch",
        scope: RequestScope,
    ) -> Served[T]:
        assignment = watch.assignment
        if assignment.fallback is None:
            with watch:
                return await self._attempt(work, assignment.release, scope)
        try:
            with watch:
                # Half of what is left: stable must still be able to answer.
                hurried = scope.within(scope.call().timeout_s / 2)
                return await self._attempt(work, assignment.release, hurried)
        except Exception as error:
            _log.warning(
                "request %s: %s failed, %s answers: %r",
                scope.request_id,
                assignment.release,
                assignment.fallback,
                error,
            )
        served = await self._attempt(work, assignment.fallback, scope)
        served.trail.degraded.append(CANARY)
        return served

    async def _attempt(
        self,
        work: Callable[[Route, RequestScope, Trail], Awaitable[T]],
        release: str,
        scope: RequestScope,
    ) -> Served[T]:
        trail, decided = Trail(), scope.for_release(release)
        value = await work(self._releases.route(release), decided, trail)
        return Served(value, release, decided, trail)

    async def _observed(
        self, served: Served[AnswerStream], watch: "_Watch", ask: Ask
    ) -> AsyncGenerator[Sequence[GenerationEvent], None]:
        written: Generation | None = None
        with watch:
            async with aclosing(served.value.events) as events:
                async for some in events:
                    if isinstance(some[-1], Generation):
                        written = some[-1]
                        watch.answered(written, served.trail)
                    yield some
        if written is not None:
            whole = Answer(written, served.value.sources)
            self._shadow.offer(ask, watch.assignment, whole, served.scope)


class _Watch:
    """Reports what becomes of a request, once: as a context, that its work failed or was given up.

    Nothing is reported of a request that is repeated on the canary: the repetition is what counts.
    """

    def __init__(self, observer: Observer, assignment: Assignment, prices: Prices | None) -> None:
        self.assignment = assignment
        self._observer = observer
        self._prices = prices
        self._begun_s = time.time()
        self._started_s = time.perf_counter()
        self._done = assignment.arm is None or assignment.shadow is not None

    def answered(self, written: Generation, trail: Trail) -> None:
        """Reports an answer; that of stable in the place of a canary is none of the canary's."""
        if not self._done:
            total_ms = (time.perf_counter() - self._started_s) * 1e3
            self._report(observe_answer(written, trail, total_ms=total_ms, prices=self._prices))

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and not self._done:
            left = issubclass(kind, asyncio.CancelledError | GeneratorExit)
            self._report(ABORTED if left else FAILED)

    def _report(self, values: Values) -> None:
        self._done = True
        self._observer.observe(self.assignment, self._begun_s, values)
