"""Has a request answered by the release that was drawn for it.

Where a canary fails before the first token, stable answers in its place, and the failure counts
against the canary all the same.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from app.answering.ask import Ask
from app.answering.pipeline import Answer, AnswerStream
from app.answering.question import Question
from app.answering.search import search
from app.dispatch.observer import Observer
from app.dispatch.shadow import Shadow
from app.releases.assignment import Assignment
from app.releases.releases import Releases
from app.releases.route import Route
from app.request.attempt import Trail
from app.request.figures import ABORTED, FAILED, Values, observe_answer
from app.request.scope import RequestScope
from app.settings.prices import PriceTable
from app.telemetry.inner import Beginning, report
from app.telemetry.requests import Telemetry
from deployments.contracts.errors import RequestError
from deployments.contracts.generation import Generation, GenerationEvent, Message
from deployments.contracts.search import ScoredChunk

_log = logging.getLogger("ray.serve")
T = TypeVar("T")
Work = Callable[[Route, RequestScope, Trail], Awaitable[T]]
_ROUTE = "(canary)"
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
        telemetry: Told of what a canary did in vain.
    """

    def __init__(
        self, releases: Releases, observer: Observer, shadow: Shadow, telemetry: Telemetry
    ) -> None:
        self._releases = releases
        self._observer = observer
        self._shadow = shadow
        self._telemetry = telemetry
        self._closing: set[asyncio.Task[None]] = set()

    async def answer(self, ask: Ask, assignment: Assignment, scope: RequestScope) -> Served[Answer]:
        """Returns the whole answer."""
        watch = self._watch(assignment)
        scope.notes.messages = ask.messages
        served = await self._serve(ask.answer, watch, scope)
        scope.notes.written = served.value.generation
        values = watch.answered(served.value.generation, served.trail)
        self._shadow.offer(ask, assignment, served.value, values, scope)
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
        scope.notes.messages = ask.messages
        served = await self._serve(begin, watch, scope)
        events = self._observed(served, watch, ask)
        return replace(served, value=replace(served.value, events=events))

    async def search(
        self, question: Question, assignment: Assignment, scope: RequestScope
    ) -> Served[list[ScoredChunk]]:
        """Returns the chunks for a question. It is no evidence: only answers are compared."""

        async def work(route: Route, scope: RequestScope, trail: Trail) -> list[ScoredChunk]:
            return await search(question, route, scope, trail)

        scope.notes.messages = (Message("user", question.text),)
        return await self._serve(work, self._watch(replace(assignment, arm=None)), scope)

    async def close(self, timeout_s: float) -> None:
        """Lets what goes on after answers end within so many seconds."""
        await self._shadow.close(timeout_s)

    def _watch(self, assignment: Assignment) -> "_Watch":
        return _Watch(self._observer, assignment, self._releases.settings().prices)

    async def _serve(self, work: Work[T], watch: "_Watch", scope: RequestScope) -> Served[T]:
        watch.assignment.note(scope.notes)
        served = await self._served(work, watch, scope)
        scope.notes.release, scope.notes.trail = served.scope.release, served.trail
        return served

    async def _served(self, work: Work[T], watch: "_Watch", scope: RequestScope) -> Served[T]:
        assignment = watch.assignment
        if assignment.fallback is None:
            scope.notes.trail = Trail()
            with watch:
                return await self._attempt(work, assignment.release, scope, scope.notes.trail)
        tried, instead = Trail(), Trail()
        scope.notes.trail = tried
        began = Beginning()
        canary = asyncio.create_task(self._attempt(work, assignment.release, scope, tried))
        attempts, winner = [canary], None
        try:
            # After half of the time stable is asked beside it, and the first answer counts: a slow
            # canary is not given up, and one that hangs leaves time for an answer.
            await asyncio.wait({canary}, timeout=scope.call().timeout_s / 2)
            if not _succeeded(canary):
                stable = self._attempt(work, assignment.fallback, scope, instead)
                attempts.append(asyncio.create_task(stable))
            winner = await _first_success(attempts)
        except asyncio.CancelledError:
            watch.aborted()
            raise
        finally:
            self._let_go(one for one in attempts if one is not winner)
        if winner is canary:
            return canary.result()
        if winner is not None or not all(map(_was_refused, attempts)):
            watch.failed()
        scope.notes.release, scope.notes.trail = assignment.fallback, instead
        self._report_lost(canary, tried, assignment, scope, began)
        served = attempts[-1].result()
        reason = repr(canary.exception()) if canary.done() else "it was slower"
        _log.warning("request %s: %s answers: %s", scope.request_id, assignment.fallback, reason)
        served.trail.degraded.append(CANARY)
        return served

    async def _attempt(
        self, work: Work[T], release: str, scope: RequestScope, trail: Trail
    ) -> Served[T]:
        decided = scope.for_release(release)
        value = await work(self._releases.route(release), decided, trail)
        return Served(value, release, decided, trail)

    def _report_lost(
        self,
        canary: "asyncio.Task[Served[T]]",
        trail: Trail,
        assignment: Assignment,
        scope: RequestScope,
        began: Beginning,
    ) -> None:
        """Reports what a canary did for a request that another release answered: it counts, and
        the request's trace shows it."""
        inner = scope.child(f"{scope.request_id}-canary")
        assignment.note(inner.notes)
        inner.notes.messages, inner.notes.trail = scope.notes.messages, trail
        error = canary.exception() if canary.done() and not canary.cancelled() else None
        report(self._telemetry, inner, "attempt", route=_ROUTE, began=began, error=error)

    def _let_go(self, attempts: Iterable[asyncio.Task[Served[T]]]) -> None:
        """Stops attempts that nobody waits for any more, without waiting for their end."""
        for attempt in attempts:
            attempt.cancel()
            closing = asyncio.create_task(_close(attempt))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    async def _observed(
        self, served: Served[AnswerStream], watch: "_Watch", ask: Ask
    ) -> AsyncGenerator[Sequence[GenerationEvent], None]:
        written: Generation | None = None
        with watch:
            async with aclosing(served.value.events) as events:
                async for some in events:
                    served.scope.notes.hear(some)
                    if isinstance(some[-1], Generation):
                        written = some[-1]
                        values = watch.answered(written, served.trail)
                    yield some
        if written is not None:
            whole = Answer(written, served.value.sources)
            self._shadow.offer(ask, watch.assignment, whole, values, served.scope)


class _Watch:
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

    def answered(self, written: Generation, trail: Trail) -> Values:
        """Reports an answer, and returns its figures; that of stable in the place of a canary is
        none of the canary's."""
        total_ms = (time.perf_counter() - self._started_s) * 1e3
        values = observe_answer(written, trail, total_ms=total_ms, prices=self._prices)
        self._report(values)
        return values

    def failed(self) -> None:
        """Reports that there was no answer."""
        self._report(FAILED)

    def aborted(self) -> None:
        """Reports that the caller went away."""
        self._report(ABORTED)

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


async def _first_success(
    attempts: Sequence[asyncio.Task[Served[T]]],
) -> asyncio.Task[Served[T]] | None:
    """Returns the attempt that succeeds first, None where all fail."""
    pending = set(attempts)
    while pending:
        _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for attempt in attempts:
            if _succeeded(attempt):
                return attempt
    return None


def _succeeded(attempt: asyncio.Task[Any]) -> bool:
    return attempt.done() and not attempt.cancelled() and attempt.exception() is None


def _was_refused(attempt: asyncio.Task[Any]) -> bool:
    return attempt.done() and isinstance(attempt.exception(), RequestError)


async def _close(attempt: asyncio.Task[Served[Any]]) -> None:
    with suppress(asyncio.CancelledError, Exception):
        value = (await attempt).value
        if isinstance(value, AnswerStream):
            await value.events.aclose()
