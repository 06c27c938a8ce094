"""Has a request answered by the release that was drawn for it.

Where a canary fails before its answer has begun, stable answers in its place, and the failure
counts against the canary all the same.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Generic, TypeVar

from app.answering.ask import Ask
from app.answering.question import Question
from app.answering.search import search
from app.answering.written import Answer, AnswerStream
from app.dispatch.observer import Observer
from app.dispatch.shadow import Shadow
from app.dispatch.watch import Watch
from app.moderation.moderator import Moderator
from app.releases.assignment import Assignment
from app.releases.attempt import Attempt, attempt_of
from app.releases.releases import Releases
from app.request.attempt import AttemptRecord
from app.request.scope import RequestScope
from app.telemetry.inner import Beginning, report
from app.telemetry.requests import Telemetry
from deployments.contracts.errors import RequestError
from deployments.contracts.generation import Events, Generation, GenerationEvent, Message
from deployments.contracts.search import ScoredChunk
from deployments.serving.begun import begin

_log = logging.getLogger("ray.serve")
T = TypeVar("T")
Work = Callable[[Attempt], Awaitable[T]]
_ROUTE = "(canary)"
CANARY = "canary"
"""What an answer says under `degraded` where stable answered in place of a canary."""


@dataclass(frozen=True, slots=True)
class Served(Generic[T]):
    """An answer, or one that has begun, the release that gave it, and what its attempt left behind;
    the release is None where a generator was asked under its own name."""

    value: T
    release: str | None
    record: AttemptRecord


class Dispatcher:
    """Answers assigned requests.

    Args:
        releases: Where a release's stages are found.
        observer: Told what became of every request.
        shadow: Repeats requests on a release that is only tried.
        telemetry: Told of what a canary did in vain.
        moderator: Says what of an answer may go out.
    """

    def __init__(
        self,
        releases: Releases,
        observer: Observer,
        shadow: Shadow,
        telemetry: Telemetry,
        moderator: Moderator,
    ) -> None:
        self._releases = releases
        self._observer = observer
        self._shadow = shadow
        self._telemetry = telemetry
        self._moderator = moderator
        self._closing: set[asyncio.Task[None]] = set()

    async def begin(
        self,
        ask: Ask,
        assignment: Assignment,
        scope: RequestScope,
        *,
        timeout_s: float,
        whole: bool = False,
    ) -> Served[AnswerStream]:
        """Returns the answer as a stream that has begun; from then on nobody takes its place.

        Args:
            ask: What is wanted.
            assignment: Who answers.
            scope: The request; its deadline holds for the first piece.
            timeout_s: Time until the end of the stream.
            whole: Whether the answer counts as begun only when all of it is there, so that what
                breaks off can still be answered by another release.
        """

        begin_whole = partial(_begin_whole, ask)
        work = partial(begin_whole if whole else ask.begin, timeout_s=timeout_s)
        if scope.background is not None:
            # It stands back for others: how long it takes says nothing of the release.
            assignment = replace(assignment, arm=None)
        watch = self._watch(assignment)
        scope.notes.messages = ask.messages
        served = await self._serve(work, watch, scope)
        checked = self._moderator.guard(
            served.value, scope, served.release, served.record, whole=whole
        )
        served = replace(served, value=checked)
        events = await begin(self._observed(served, watch, ask, scope))
        return replace(served, value=replace(served.value, events=events))

    async def search(
        self, question: Question, assignment: Assignment, scope: RequestScope
    ) -> Served[list[ScoredChunk]]:
        """Returns the chunks for a question. It is no evidence: only answers are compared."""

        scope.notes.messages = (Message("user", question.text),)
        watch = self._watch(replace(assignment, arm=None))
        served = await self._serve(partial(search, question), watch, scope)
        shown = self._moderator.found(served.value, scope, served.release, served.record)
        return replace(served, value=shown)

    async def close(self, timeout_s: float) -> None:
        """Lets what goes on after answers end within so many seconds."""
        await self._shadow.close(timeout_s)

    def _watch(self, assignment: Assignment) -> Watch:
        return Watch(self._observer, assignment, self._releases.settings().prices)

    async def _serve(self, work: Work[T], watch: Watch, scope: RequestScope) -> Served[T]:
        watch.assignment.note(scope.notes)
        if watch.assignment.fallback is None:
            attempt = self._attempt(watch.assignment.release, scope)
            scope.notes.attempt = attempt.record
            with watch:
                value = await work(attempt)
            served = Served(value, attempt.route.name, attempt.record)
        else:
            served = await self._serve_with_fallback(work, watch, scope, watch.assignment.fallback)
        assert served.release is not None
        scope.notes.release, scope.notes.attempt = served.release, served.record
        return served

    async def _serve_with_fallback(
        self, work: Work[T], watch: Watch, scope: RequestScope, fallback: str
    ) -> Served[T]:
        """Returns the canary's answer, or that of stable where the canary fails or is slow."""
        tried = self._attempt(watch.assignment.release, scope)
        instead = self._attempt(fallback, scope)
        scope.notes.attempt = tried.record
        began = Beginning()
        canary = asyncio.create_task(_run(work, tried))
        tasks, winner = [canary], None
        try:
            # After half of the time stable is asked beside it, and the first answer counts: a slow
            # canary is not given up, and one that hangs leaves time for an answer.
            await asyncio.wait({canary}, timeout=scope.call().timeout_s / 2)
            if not _succeeded(canary):
                tasks.append(asyncio.create_task(_run(work, instead)))
            winner = await _first_success(tasks)
        except asyncio.CancelledError:
            watch.aborted()
            raise
        finally:
            self._let_go(task for task in tasks if task is not winner)
        if winner is canary:
            return canary.result()
        if winner is not None or not all(map(_was_refused, tasks)):
            watch.failed()
        scope.notes.release, scope.notes.attempt = fallback, instead.record
        self._report_lost(canary, tried.record, watch.assignment, scope, began)
        served = tasks[-1].result()
        reason = repr(canary.exception()) if canary.done() else "it was slower"
        _log.warning("request %s: %s answers: %s", scope.request_id, fallback, reason)
        served.record.degraded.append(CANARY)
        return served

    def _attempt(self, release: str, scope: RequestScope) -> Attempt:
        return attempt_of(self._releases.route(release), scope)

    def _report_lost(
        self,
        canary: "asyncio.Task[Served[T]]",
        record: AttemptRecord,
        assignment: Assignment,
        scope: RequestScope,
        began: Beginning,
    ) -> None:
        """Reports what a canary did for a request that another release answered: it counts, and
        the request's trace shows it."""
        inner = scope.child(f"{scope.request_id}-canary")
        assignment.note(inner.notes)
        inner.notes.messages, inner.notes.attempt = scope.notes.messages, record
        error = canary.exception() if canary.done() and not canary.cancelled() else None
        report(self._telemetry, inner, "attempt", route=_ROUTE, began=began, error=error)

    def _let_go(self, tasks: Iterable[asyncio.Task[Served[T]]]) -> None:
        """Stops attempts that nobody waits for any more, without waiting for their end."""
        for task in tasks:
            task.cancel()
            closing = asyncio.create_task(_close(task))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    async def _observed(
        self, served: Served[AnswerStream], watch: Watch, ask: Ask, scope: RequestScope
    ) -> Events:
        """Yields the events of an answer, and tells what became of it: also where nobody reads
        them to their end."""
        written: Generation | None = None
        if served.record.is_given_again:
            watch.dismiss()
        with watch:
            async with aclosing(served.value.events) as events:
                async for batch in events:
                    scope.notes.hear(batch)
                    if isinstance(batch[-1], Generation):
                        written = batch[-1]
                        values = watch.answered(written, served.record)
                    yield batch
        if written is not None and not served.record.is_given_again:
            answer = Answer(written, tuple(served.value.sources))
            self._shadow.offer(ask, watch.assignment, answer, values, scope)


async def _run(work: Work[T], attempt: Attempt) -> Served[T]:
    return Served(await work(attempt), attempt.route.name, attempt.record)


async def _begin_whole(ask: Ask, attempt: Attempt, *, timeout_s: float) -> AnswerStream:
    """Returns an answer once all of it is there."""
    begun = await ask.begin(attempt, timeout_s=timeout_s)
    async with aclosing(begun.events) as events:
        batches = [batch async for batch in events]
    return replace(begun, events=_again(batches))


async def _again(batches: Sequence[Sequence[GenerationEvent]]) -> Events:
    for batch in batches:
        yield batch


async def _first_success(
    tasks: Sequence[asyncio.Task[Served[T]]],
) -> asyncio.Task[Served[T]] | None:
    """Returns the attempt that succeeds first, None where all fail."""
    pending = set(tasks)
    while pending:
        _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if _succeeded(task):
                return task
    return None


def _succeeded(task: asyncio.Task[Any]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None


def _was_refused(task: asyncio.Task[Any]) -> bool:
    return task.done() and isinstance(task.exception(), RequestError)


async def _close(task: asyncio.Task[Served[Any]]) -> None:
    with suppress(asyncio.CancelledError, Exception):
        value = (await task).value
        if isinstance(value, AnswerStream):
            await value.events.aclose()
