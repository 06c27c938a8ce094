"""Whole answers that are given again, before anything is searched: to equal questions, as long as
the tenant's documents are the same."""

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial

from app.answering.ask import Ask
from app.answering.question import Question
from app.answering.written import AnswerStream
from app.cache.entry import Entry, entry_of
from app.cache.keys import AnswerKey, asked_of, digest
from app.cache.lookup import Asker, facts_of_generator, find, led, note_of
from app.cache.replay import replay
from app.cache.response_cache import ResponseCache
from app.cache.rules import is_repeatable, may_be_kept
from app.cache.single_flight import Lead
from app.dispatch.dispatcher import Served
from app.dispatch.index_states import IndexStates
from app.dispatch.verified_answers import candidate_of, find_verified, form_asked
from app.moderation.policies import Policies
from app.releases.assignment import Assignment
from app.releases.route import Route
from app.request.attempt import AttemptRecord
from app.request.caching import CacheNote
from app.request.scope import RequestScope
from app.settings.live.release import Release
from deployments.activity import fingerprint
from deployments.contracts.generation import Events, Generation
from deployments.serving.begun import begin
from deployments.serving.concurrently import gather_or_cancel

Fresh = Callable[[RequestScope], Awaitable[Served[AnswerStream]]]
"""Has a release answer a request."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to a release.

    Attributes:
        ask: What is asked, with what is searched for.
        question: The same, as it is searched for.
        route: Who answers.
        assignment: The same, as it was drawn.
        scope: The request.
        asker: Whose it is.
    """

    ask: Ask
    question: Question
    route: Route
    assignment: Assignment
    scope: RequestScope
    asker: Asker


class WholeAnswers:
    """Finds and keeps answers.

    Args:
        cache: Where they are.
        policies: Say which version of a policy the texts of a request must pass.
    """

    def __init__(self, cache: ResponseCache, policies: Policies) -> None:
        self._cache = cache
        self._policies = policies
        self._states = IndexStates()
        self._fingerprints: dict[str, tuple[Release, str]] = {}

    async def begin(self, asked: Asked, fresh: Fresh) -> Served[AnswerStream]:
        """Returns an answer that has begun: one that was written for an equal question, or the one
        that `fresh` writes."""
        looked = AttemptRecord()
        async with looked.timed("cache"):
            key = await self._key(asked)
            if key is None:
                found = None
                note = CacheNote("bypass")
            else:
                found = await self._find(asked, key)
                note = note_of(found, "answer", digest(key), self._cache.now_s())
        if isinstance(found, Entry):
            looked.cache = note
            return await _given_again(found, asked, looked)
        try:
            served = await fresh(asked.scope)
        except BaseException:
            if found is not None:
                found.failed()
            raise
        served = noted(served, note)
        _add_time(served.record, looked)
        if key is None or found is None:
            return served
        keep = partial(self._keep, asked, served, key)
        events = await begin(led(served.value.events, found, keep))
        return replace(served, value=replace(served.value, events=events))

    async def _find(self, asked: Asked, key: AnswerKey) -> Entry | Lead | None:
        form = form_asked(asked.route, asked.ask.messages)
        verified = None
        if form is not None:
            verified = partial(
                find_verified,
                *(self._cache, key, form, asked.ask.messages[0].content),
                route=asked.route,
                scope=asked.scope,
            )
        timeout_s = asked.scope.call().timeout_s / 2  # it must still be written
        return await find(
            self._cache, asked.asker, digest(key), timeout_s=timeout_s, otherwise=verified
        )

    async def _key(self, asked: Asked) -> AnswerKey | None:
        """Returns the key of an answer, None where it is not to be given again."""
        route, scope, question = asked.route, asked.scope, asked.question
        facts, state = await gather_or_cancel(
            facts_of_generator(route.generator, scope.call()), self._states.of(route, scope)
        )
        settings, name = route.release.cache, facts.get("fingerprint")
        wants_logprobs = question.sampling.top_logprobs is not None
        repeatable = settings.sampling == "any" or is_repeatable(question.sampling, facts)
        if not state or not name or wants_logprobs or not repeatable:
            return None
        groups = scope.principal.groups
        return AnswerKey(
            tenant=scope.principal.tenant,
            groups=None if groups is None else tuple(sorted(groups)),
            release=route.name,
            fingerprint=self._fingerprint(route),
            generator=f"{facts.get('model')} {name}",
            generation=state,
            moderation=self._policies.version(tenant=scope.principal.tenant, release=route.name),
            question=replace(question, text="", messages=()),
            asked=asked_of(asked.ask.messages, settings.canonical),
        )

    def _fingerprint(self, route: Route) -> str:
        """Returns that of a release's parameters, but for its cache's."""
        release, known = self._fingerprints.get(route.name, (None, ""))
        if release is not route.release:
            known = fingerprint(route.release.model_dump(mode="json", exclude={"cache"}))
            self._fingerprints[route.name] = (route.release, known)
        return known

    def _keep(
        self,
        asked: Asked,
        served: Served[AnswerStream],
        key: AnswerKey,
        written: Generation,
    ) -> Entry | None:
        """Keeps an answer under the state of the documents that it was made from, which may be
        another one than was asked for: a write came in between, or a replica of the retriever was
        behind. Then it is not for those who wait."""
        record, asker = served.record, asked.asker
        if len(record.generations) != 1 or not may_be_kept(written, record.degraded):
            return None
        [state] = record.generations
        if not state:
            return None
        entry = entry_of(
            record.with_rounds(written),
            tuple(served.value.sources),
            created_s=self._cache.now_s(),
            trace_id=asker.trace_id,
        )
        searched = replace(key, generation=state)
        form = form_asked(asked.route, asked.ask.messages)
        text = asked.ask.messages[0].content
        self._cache.keep(
            *(asker.tenant, digest(searched), entry),
            documents=sorted({hit.chunk.document_id for hit in entry.sources}),
            user=asker.user,
            conversation=asker.conversation,
            ttl_s=asked.route.release.cache.ttl_s,
            begun_s=asker.begun_s,
            candidate=None if form is None else candidate_of(searched, form, text),
        )
        if state == key.generation:
            return entry
        self._states.learn(asked.route, asked.scope, state)
        return None


def noted(served: Served[AnswerStream], note: CacheNote) -> Served[AnswerStream]:
    """Returns an answer that says what became of it in the cache: that the generator's text was
    found, where it was."""
    known = served.record.cache
    if known is None or (note.outcome == "miss" and known.outcome != "hit"):
        served.record.cache = note
    return served


def _add_time(record: AttemptRecord, looked: AttemptRecord) -> None:
    """Adds the time of the lookup, which came before everything else."""
    spent = looked.times["cache"]
    if (later := record.times.get("cache")) is not None:
        spent.total_ms += later.total_ms
    record.times = {**looked.times, **{k: v for k, v in record.times.items() if k != "cache"}}


async def _given_again(entry: Entry, asked: Asked, record: AttemptRecord) -> Served[AnswerStream]:
    notes = asked.scope.notes
    asked.assignment.note(notes)
    notes.attempt, notes.messages = record, asked.ask.messages
    events = await begin(_heard(replay(entry.written), asked.scope))
    return Served(AnswerStream(events, entry.sources), asked.route.name, record)


async def _heard(events: Events, scope: RequestScope) -> Events:
    async with aclosing(events):
        async for batch in events:
            scope.notes.hear(batch)
            yield batch
