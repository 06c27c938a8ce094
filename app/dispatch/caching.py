"""Answers that are given again, in front of the dispatcher: what it never hears of is no evidence
for a canary, and is not repeated in shadow."""

from dataclasses import replace

from app.answering.ask import Ask
from app.answering.written import AnswerStream
from app.cache.generations import KeptGenerations
from app.cache.lookup import Asker
from app.cache.response_cache import ResponseCache
from app.dispatch.dispatcher import Dispatcher, Served
from app.dispatch.observer import Observer
from app.dispatch.shadow import Shadow
from app.dispatch.whole_answers import Asked, WholeAnswers, noted
from app.moderation.moderator import Moderator
from app.releases.assignment import Assignment
from app.releases.releases import Releases
from app.request.caching import CacheNote
from app.request.scope import RequestScope
from app.settings.cold.cache import ReleaseCache
from app.telemetry.requests import Telemetry

_UNRECORDED = ("hash", "none")


class CachingDispatcher(Dispatcher):
    """Answers assigned requests, from the response cache where a release has one.

    Args:
        releases: See `Dispatcher`.
        observer: See `Dispatcher`.
        shadow: See `Dispatcher`.
        telemetry: See `Dispatcher`.
        moderator: See `Dispatcher`; another version of its policy makes every answer before it a
            miss.
        cache: Where answers are kept.
    """

    def __init__(
        self,
        releases: Releases,
        observer: Observer,
        shadow: Shadow,
        telemetry: Telemetry,
        moderator: Moderator,
        cache: ResponseCache,
    ) -> None:
        super().__init__(releases, observer, shadow, telemetry, moderator)
        self._cache = cache
        self._answers = WholeAnswers(cache, moderator.policies)

    async def begin(
        self,
        ask: Ask,
        assignment: Assignment,
        scope: RequestScope,
        *,
        timeout_s: float,
        whole: bool = False,
    ) -> Served[AnswerStream]:
        """See `Dispatcher.begin`."""

        async def fresh(scope: RequestScope) -> Served[AnswerStream]:
            return await Dispatcher.begin(
                self, ask, assignment, scope, timeout_s=timeout_s, whole=whole
            )

        route = self._releases.route(assignment.release)
        settings = route.release.cache
        if not settings.is_on:
            return await fresh(scope)
        if self._is_bypassed(settings, assignment, scope):
            return noted(await fresh(scope), CacheNote("bypass"))
        asker = Asker(
            tenant=scope.principal.tenant,
            user=scope.notes.user,
            trace_id=scope.trace.trace_hex,
            begun_s=self._cache.now_s(),
            reads=scope.notes.cache_wish != "refresh",
            conversation=scope.notes.conversation,
        )
        if settings.generation:
            scope = replace(scope, cache=KeptGenerations(self._cache, settings, asker))
        if not settings.answer or ask.question is None:
            return noted(await fresh(scope), CacheNote("bypass"))
        asked = Asked(ask, ask.question, route, assignment, scope, asker)
        return await self._answers.begin(asked, fresh)

    def _is_bypassed(
        self, settings: ReleaseCache, assignment: Assignment, scope: RequestScope
    ) -> bool:
        """Returns whether a request is neither answered from the cache nor kept in it."""
        notes, in_rollout = scope.notes, assignment.arm is not None
        policy = self._releases.settings().recording.policy(notes.key_id)
        return (
            notes.cache_wish == "bypass"
            or notes.trace_wish == "none"
            or assignment.is_forced
            or scope.reaches_all_tenants
            or (in_rollout and settings.during_rollout == "bypass")
            or (policy in _UNRECORDED and settings.unrecorded_keys == "bypass")
        )
