"""The events of an answer, held back until its policy has decided, and ended where it says so."""

from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from app.moderation.calls import checked_calls
from app.moderation.classifier import Classifier
from app.moderation.policies import CompiledPolicy
from app.moderation.quotes import checked_quotes, statements_of
from app.moderation.sources import CheckedSources
from app.moderation.windows import last_sentences, windows
from app.request.attempt import AttemptRecord
from app.request.decision import DEGRADED, Action
from app.request.notes import RequestNotes
from deployments.contracts.errors import StageError
from deployments.contracts.generation import (
    Citation,
    Events,
    Generation,
    GenerationEvent,
    Started,
    TextDelta,
    TokenLogprob,
)
from deployments.contracts.tools import CallDraft, ToolCallDelta
from deployments.moderation.findings import StreamCheck
from deployments.moderation.held_text import HeldText
from deployments.moderation.links import LinkStream
from deployments.moderation.personal_data import CATEGORY as PERSONAL_DATA
from deployments.moderation.sentences import SentenceStream
from deployments.redaction.placeholders import Numbering

UNCHECKED = "unchecked"
"""The category of what is blocked because the classifier did not answer."""


@dataclass(slots=True)
class _Shown:
    """What of the answer has gone out."""

    text: str = ""
    logprobs: list[TokenLogprob] = field(default_factory=list)
    cited: int = 0
    """Citations that were sent."""


class AnswerGuard:
    """One answer on its way through the output side of a policy.

    Args:
        policy: The policy.
        classifier: Its classifier, where it has one.
        sources: The sources of the answer, as they may be shown.
        record: Told what blocks the answer, and what it does without.
        notes: Told of decisions.
        numbering: Names what is replaced.
        known_texts: Texts whose links an answer may have, beside the sources.
        whole: Whether the client gets all of it at once: of a blocked answer nothing, then.
    """

    def __init__(
        self,
        policy: CompiledPolicy,
        classifier: Classifier | None,
        sources: CheckedSources,
        record: AttemptRecord,
        notes: RequestNotes,
        *,
        numbering: Numbering,
        known_texts: Sequence[str],
        whole: bool,
    ) -> None:
        self._policy = policy
        self._settings = policy.output_settings
        self._classifier = classifier
        self._sources = sources
        self._record = record
        self._notes = notes
        self._numbering = numbering
        self._known = known_texts
        self._whole = whole
        self._held = self._make()
        self._heard = 0
        """Characters that came."""
        self._logprobs: deque[tuple[int, int, tuple[TokenLogprob, ...]]] = deque()
        """Those of pieces that have not left, with where each begins and ends."""
        self._citations: list[Citation] = []
        self._calls = CallDraft()
        self._pieces: list[ToolCallDelta] = []
        self._shown = _Shown()
        self._started: Started | None = None
        self._tokens = 0
        self._flagged: set[str] = set()
        self._told: set[str] = set()
        """Categories of what was replaced, as far as it was noted."""

    async def events(self, events: Events) -> Events:
        """Yields the events as they may go out; once the answer is blocked, its end."""
        async with aclosing(events):
            async for batch in events:
                shown: list[GenerationEvent] = []
                last: Generation | None = None
                for event in batch:
                    if isinstance(event, Started):
                        self._started = event
                        shown.append(event)
                    elif isinstance(event, TextDelta):
                        shown += [one async for one in self._go_on(event)]
                    else:
                        last = event
                if last is not None:
                    shown += [one async for one in self._rest(last)]
                elif self._record.blocked:
                    await events.aclose()  # frees the engine, and its times are known
                if last is not None or self._record.blocked:
                    shown.append(self._end(last))
                if shown:
                    yield shown
                if last is None and self._record.blocked:
                    return

    def _make(self) -> HeldText:
        """Returns what a text must pass."""
        checks = self._policy.output.streams(self._numbering)
        flags: list[StreamCheck] = []
        if self._settings.action == "flag":
            # What is replaced is held all the same.
            holds = self._settings.personal_data == "redact"
            flags = checks[:-1] if holds else checks
            checks = checks[-1:] if holds else []
        if self._settings.links == "sources":
            checks.append(LinkStream(_Texts(self._sources, self._known)))
        if self._settings.stream == "sentence":
            checks.append(SentenceStream())
        if self._settings.stream == "whole" or self._whole:
            checks.append(_Whole())
        return HeldText(checks, flags)

    async def _go_on(self, delta: TextDelta) -> AsyncIterator[TextDelta]:
        """Yields what of a piece, and of those before it, may go out."""
        if self._record.blocked:
            return
        self._tokens += delta.completion_tokens
        self._calls.add(delta.calls)
        self._pieces += delta.calls
        if self._is_quoted:
            yield await self._quoted(delta)
            return
        start, self._heard = self._heard, self._heard + len(delta.text)
        self._citations += delta.citations
        if delta.logprobs:
            self._logprobs.append((start, self._heard, delta.logprobs))
        text = self._held.feed(delta.text)
        yield await self._leave(text, delta.completion_tokens)

    async def _rest(self, written: Generation) -> AsyncIterator[TextDelta]:
        """Yields what was held, now that nothing follows."""
        if self._record.blocked:
            return
        if not self._is_quoted:
            delta = await self._leave(self._held.finish(), 0)
            if delta.text or delta.citations or delta.logprobs:
                yield delta
        self._flagged |= {one.category for one in self._held.flagged()}
        if self._settings.action == "flag" and self._classifier is not None:
            self._flagged |= await self._judged(self._shown.text, ())
        if self._record.blocked or not self._pieces:
            return
        passed = checked_calls(self._calls.calls(), self._policy.output, self._numbering)
        self._object(passed.categories)
        if self._record.blocked:
            return
        self._replaced({PERSONAL_DATA} if passed.is_redacted else set())
        pieces = tuple(
            ToolCallDelta(place, call.id, call.name, call.arguments)
            for place, call in enumerate(passed.calls)
        )
        self._calls = CallDraft()
        self._calls.add(pieces)
        yield TextDelta("", 0, calls=pieces)

    async def _leave(self, text: str, tokens: int) -> TextDelta:
        """Returns the event of a text that no check but the classifier holds any more."""
        if text.strip() and self._judges:
            self._object(await self._judged(text, last_sentences(self._shown.text)))
        if self._held.is_blocked and not self._record.blocked:
            self._block({one.category for one in self._held.blocked_by()})
            text = "" if self._whole else text
        elif self._record.blocked:
            return TextDelta("", tokens)
        self._replaced({one.category for one in self._held.replaced()})
        self._shown.text += text
        logprobs = self._left_logprobs()
        self._shown.logprobs += logprobs
        return TextDelta(text, tokens, logprobs, self._left_citations())

    async def _quoted(self, delta: TextDelta) -> TextDelta:
        """Returns what is left of an answer that is made of statements of the sources."""
        statements = statements_of(delta.text, delta.citations)
        objections = [
            await self._judged(one.text, ()) if self._judges and one.text.strip() else set()
            for one in statements
        ]
        quotes = checked_quotes(statements, objections, self._make)
        self._flagged |= quotes.flagged
        if quotes.left_out and not quotes.text.strip():
            self._block(quotes.left_out)
            return TextDelta("", delta.completion_tokens)
        if quotes.left_out:
            self._decide("omit", quotes.left_out)
            self._record.lacks(DEGRADED)
        self._replaced(quotes.replaced)
        self._shown.text += quotes.text
        self._citations += quotes.citations
        return TextDelta(quotes.text, delta.completion_tokens, (), tuple(quotes.citations))

    @property
    def _is_quoted(self) -> bool:
        return self._started is not None and self._started.is_quoted

    @property
    def _judges(self) -> bool:
        """Whether the classifier decides what leaves, and does not only look at it."""
        return self._classifier is not None and self._settings.action == "block"

    async def _judged(self, text: str, before: Sequence[str]) -> set[str]:
        """Returns the categories for which the classifier objects to a text."""
        assert self._classifier is not None
        try:
            return {
                name
                for scores in await self._classifier.judge(windows(text, before))
                for name in scores
            }
        except StageError:
            if self._settings.on_error == "block" and self._settings.action == "block":
                return {UNCHECKED}
            self._decide("allow", {UNCHECKED})
            self._record.lacks(DEGRADED)
            return set()

    def _left_logprobs(self) -> tuple[TokenLogprob, ...]:
        """Returns those of the pieces that have left whole, but for what was replaced."""
        left: list[TokenLogprob] = []
        replaced = self._held.replaced()
        while self._logprobs and self._logprobs[0][1] <= self._held.left:
            start, end, logprobs = self._logprobs.popleft()
            if not any(one.start < end and start < one.end for one in replaced):
                left += map(self._without_terms, logprobs)
        return tuple(left)

    def _without_terms(self, logprob: TokenLogprob) -> TokenLogprob:
        """Returns a token without those alternatives that are a term by themselves."""
        if not logprob.top or self._settings.action == "flag":
            return logprob
        top = tuple(one for one in logprob.top if not self._policy.output.terms_in(one.token))
        return replace(logprob, top=top)

    def _left_citations(self) -> tuple[Citation, ...]:
        """Returns the citations of what has left, at their places in what was sent."""
        found: list[Citation] = []
        while self._shown.cited < len(self._citations):
            citation = self._citations[self._shown.cited]
            if citation.end > self._held.left:
                break
            found.append(self._placed(citation))
            self._shown.cited += 1
        return tuple(found)

    def _placed(self, citation: Citation) -> Citation:
        end = self._held.moved(citation.end)
        return replace(citation, start=min(self._held.moved(citation.start), end), end=end)

    def _object(self, categories: Iterable[str]) -> None:
        """Takes what was found after all of it was there."""
        found = set(categories)
        if found and self._settings.action == "block":
            self._block(found)
        else:
            self._flagged |= found

    def _block(self, categories: Iterable[str]) -> None:
        self._record.blocked = tuple(sorted(set(categories)))
        self._decide("block", categories)

    def _replaced(self, categories: set[str]) -> None:
        """Notes what was replaced, each category once."""
        if fresh := categories - self._told:
            self._told |= fresh
            self._decide("redact", fresh)

    def _decide(self, action: Action, categories: Iterable[str]) -> None:
        self._notes.moderation.append(self._policy.decision("output", action, categories))

    def _end(self, written: Generation | None) -> Generation:
        """Returns the end of the answer: all of what has gone out."""
        self._sources.check_all()
        self._sources.note_findings(self._policy, self._notes, self._record)
        if self._flagged:
            self._decide("flag", self._flagged)
        whole = self._broken_off() if written is None else written
        if self._record.blocked and self._whole:
            return replace(
                whole, text="", citations=(), logprobs=(), calls=(), finish_reason="content_filter"
            )
        shown: Sequence[Citation] = self._citations
        if not self._is_quoted:
            shown = [self._placed(one) for one in self._citations[: self._shown.cited]]
        return replace(
            whole,
            text=self._shown.text,
            citations=tuple(shown),
            logprobs=tuple(self._shown.logprobs),
            calls=() if self._record.blocked else self._calls.calls(),
            finish_reason="content_filter" if self._record.blocked else whole.finish_reason,
        )

    def _broken_off(self) -> Generation:
        """Returns what is known of an answer whose own end nobody waits for."""
        started = self._started
        assert started is not None, "a stream begins with its Started"
        return Generation(
            text="",
            citations=(),
            grounded=True,
            finish_reason="content_filter",
            prompt_tokens=started.prompt_tokens,
            completion_tokens=self._tokens,
            model=started.model,
            times=started.times,
            cached_tokens=started.cached_tokens,
            prompt=started.prompt,
            context=started.context,
            ttft_ms=started.times.replica_ms,
        )


class _Whole:
    """A `StreamCheck` that decides nothing before the end."""

    found: tuple[()] = ()

    def __init__(self) -> None:
        self._length = 0

    def feed(self, text: str) -> int:
        """See `StreamCheck.feed`."""
        self._length += len(text)
        return 0

    def finish(self) -> int:
        """See `StreamCheck.finish`."""
        return self._length


class _Texts:
    """Texts whose links an answer may have; sources may come while it is written."""

    def __init__(self, sources: CheckedSources, known: Sequence[str]) -> None:
        self._sources = sources
        self._known = known

    def __iter__(self) -> Iterator[str]:
        self._sources.check_all()
        yield from self._sources.texts
        yield from self._known
