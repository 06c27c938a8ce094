"""An answer whose language model searches by itself, as often as it needs and may.

Its searches are carried out here and their results go back to it; what it calls of the client's
functions goes to the client. A turn that calls both ends the answer with the client's calls: its
searches are left out, and the model can make them when it has been told what came of the others.
"""

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace

from app.answering.neighbours import widen
from app.answering.question import Question
from app.answering.relevance import relevant
from app.answering.search import search_passages
from app.answering.search_function import SEARCH, asked_by, search_function
from app.answering.written import AnswerStream, written
from app.releases.attempt import Attempt
from app.releases.failover import GeneratorChain
from deployments.contracts.errors import InvalidRequest
from deployments.contracts.generation import (
    Citation,
    Events,
    Generation,
    GenerationEvent,
    GenerationRequest,
    Message,
    Started,
    TextDelta,
    TokenLogprob,
)
from deployments.contracts.search import ScoredChunk
from deployments.contracts.tools import ToolCall, ToolCallDelta, ToolUse
from deployments.serving.begun import begin

_PROMPT = "search-v1"
_BETWEEN = "\n\n"
"""Between what the model said before a search and after it."""


async def leaves_search_to_model(question: Question, attempt: Attempt) -> bool:
    """Returns whether the language model is to search by itself. An answer that is forced into a
    call or a form leaves it no way to, so that its question is searched for first."""
    is_bound = question.tools.choice == "named" or question.sampling.output_format
    if attempt.route.release.search != "tool" or is_bound:
        return False
    offered = ToolUse((search_function(attempt.route.release),))
    if await attempt.route.generator.honours(offered, call=attempt.call()):
        return True
    attempt.record.degraded.append("search")
    return False


async def answer_with_searches(
    question: Question, attempt: Attempt, *, timeout_s: float
) -> AnswerStream:
    """Returns the answer once something of it can be shown: a text, or a call of the client's
    functions. Its sources grow with every search.

    Raises:
        InvalidRequest: a function of the client has the name of the search.
    """
    if any(tool.name == SEARCH for tool in question.tools.tools):
        raise InvalidRequest(
            f"tools: the name {SEARCH} is that of the search which this release offers its model.",
            errors=({"field": "tools", "message": "has a name that is taken", "type": "value"},),
        )
    ends_s = attempt.scope.now() + timeout_s
    offered = ToolUse((search_function(attempt.route.release),))
    generator = await attempt.route.generator.able(offered, call=attempt.call())
    course = _Course(question, attempt, generator, ends_s)
    return AnswerStream(await begin(course.events()), course.sources)


class _Shown:
    """What the client has seen of the answer: one text, and the calls that are its own."""

    def __init__(self) -> None:
        self.has_started = False
        self.text = ""
        self.citations: list[Citation] = []
        self.logprobs: list[TokenLogprob] = []
        self.is_grounded = False
        self._begins_at = 0
        self._numbers: dict[int, int] = {}

    def next_round(self) -> None:
        """Tells the text that follows apart from what there is."""
        self._begins_at = len(self.text)
        self._numbers = {}

    def of_delta(self, delta: TextDelta) -> TextDelta:
        """Returns what of a piece is shown, with its citations at their places in the whole."""
        is_first = len(self.text) == self._begins_at
        if delta.text and is_first and self.text:
            self.text += _BETWEEN
            self._begins_at = len(self.text)
            delta = replace(delta, text=_BETWEEN + delta.text)
            self.text += delta.text.removeprefix(_BETWEEN)
        else:
            self.text += delta.text
        citations = tuple(
            replace(one, start=one.start + self._begins_at, end=one.end + self._begins_at)
            for one in delta.citations
        )
        self.citations += citations
        self.logprobs += delta.logprobs
        calls = tuple(piece for one in delta.calls for piece in self._of_client(one))
        return replace(delta, citations=citations, calls=calls)

    def _of_client(self, piece: ToolCallDelta) -> list[ToolCallDelta]:
        """Returns a piece of a client's call by its number among those; nothing of a search."""
        if piece.name and piece.name != SEARCH:
            self._numbers.setdefault(piece.index, len(self._numbers))
        if piece.index not in self._numbers:
            return []
        return [replace(piece, index=self._numbers[piece.index])]

    def whole(self, last: Generation) -> Generation:
        """Returns the answer that the last round ends."""
        calls = tuple(call for call in last.calls if call.name != SEARCH)
        reason = last.finish_reason
        return replace(
            last,
            text=self.text,
            citations=tuple(self.citations),
            logprobs=tuple(self.logprobs),
            grounded=last.grounded or self.is_grounded,
            finish_reason="stop" if reason == "tool_calls" and not calls else reason,
            calls=calls,
        )


class _Course:
    """One answer on its way, round by round. `ends_s` is on the request's clock."""

    def __init__(
        self, question: Question, attempt: Attempt, generator: GeneratorChain, ends_s: float
    ) -> None:
        self._generator = generator
        self.sources: list[ScoredChunk] = []
        self._question = question
        self._attempt = attempt
        self._ends_s = ends_s
        self._shown = _Shown()
        self._turns = list(question.messages or (Message("user", question.text),))
        self._started: Started | None = None
        self._newest: list[int] = []
        """Numbers of the sources, those of the last search first: what does not fit is old."""

    async def events(self) -> Events:
        """Yields the answer as one."""
        rounds = self._attempt.route.release.search_rounds
        for place in range(rounds + 1):
            ended: Generation | None = None
            async with aclosing(self._round(may_search=place < rounds)) as events:
                async for batch in events:
                    if isinstance(last := batch[-1], Generation):
                        ended = last
                    if shown := self._show(batch):
                        yield shown
            assert ended is not None, "a stream ends with its Generation or an error"
            is_search = bool(ended.calls) and all(call.name == SEARCH for call in ended.calls)
            if not is_search or place == rounds:
                yield self._begun([self._shown.whole(ended)])
                return
            self._attempt.record.rounds.append(ended)
            self._shown.is_grounded |= ended.grounded
            self._shown.next_round()
            self._turns.append(Message("assistant", ended.text, ended.calls))
            for call in ended.calls:
                self._turns.append(await self._search(call))

    def _round(self, *, may_search: bool) -> Events:
        attempt = self._attempt
        by_number = {hit.rank: hit for hit in self.sources}
        request = GenerationRequest(
            messages=tuple(self._turns),
            question=self._question.text,
            context=tuple(by_number[number] for number in self._newest),
            prompt=_PROMPT,
            sampling=self._question.sampling,
            tools=self._offered(may_search=may_search),
        )
        left_s = self._ends_s - attempt.scope.now()
        return written(request, self._generator, attempt.scope, attempt.record, left_s)

    def _offered(self, *, may_search: bool) -> ToolUse:
        """Returns the search beside the client's functions, as long as there may be another."""
        search, theirs = search_function(self._attempt.route.release), self._question.tools
        if not theirs:
            return ToolUse((search,), "auto" if may_search else "none")
        return replace(theirs, tools=(search, *theirs.tools) if may_search else theirs.tools)

    def _show(self, batch: Sequence[GenerationEvent]) -> list[GenerationEvent]:
        """Returns what the client sees of some events: no searches, and the beginning once there is
        something that has begun."""
        shown: list[GenerationEvent] = []
        for event in batch:
            if isinstance(event, Started):
                self._started = event
            elif isinstance(event, TextDelta):
                delta = self._shown.of_delta(event)
                if self._shown.has_started or delta.text or delta.calls:
                    shown.append(delta)
        return self._begun(shown)

    def _begun(self, shown: list[GenerationEvent]) -> list[GenerationEvent]:
        """Returns the events, after the beginning where they are the first ones."""
        if not shown or self._shown.has_started:
            return shown
        self._shown.has_started = True
        assert self._started is not None, "a stream begins with its Started"
        return [self._started, *shown]

    async def _search(self, call: ToolCall) -> Message:
        """Returns the turn that tells what a search found."""
        attempt, record = self._attempt, self._attempt.record
        release = attempt.route.release
        try:
            wanted = asked_by(call, self._question, release)
        except ValueError as error:
            return Message("tool", f"No search was made: {error}.", call_id=call.id)
        before = record.found, record.hits
        found = await search_passages(wanted, attempt, reach=release.neighbours)
        record.found, record.hits = before[0] + record.found, before[1] + record.hits
        hits = relevant(found.hits, attempt)
        numbers = [
            self._number(hit) for hit in widen(hits, found.neighbours, reach=release.neighbours)
        ]
        self._newest = list(dict.fromkeys([*numbers, *self._newest]))
        record.degraded[:] = dict.fromkeys(record.degraded)
        return Message("tool", "", call_id=call.id, found=tuple(numbers))

    def _number(self, hit: ScoredChunk) -> int:
        """Returns the number of a source, which it keeps when it is found again."""
        for known in self.sources:
            if known.chunk.id == hit.chunk.id:
                return known.rank
        self.sources.append(replace(hit, rank=len(self.sources) + 1))
        return len(self.sources)
