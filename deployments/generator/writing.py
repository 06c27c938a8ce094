"""From a request to the events of its answer: the prompt is written, the engine streams, citations
are found, pieces are gathered. No Ray, and no engine in particular.
"""

import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from deployments.contracts.calls import CallContext, Lap, Times
from deployments.contracts.errors import InvalidRequest, StageFailed
from deployments.contracts.generation import (
    Citation,
    Engine,
    EngineDelta,
    Events,
    Generation,
    GenerationEvent,
    GenerationRequest,
    Message,
    Prompt,
    Sampling,
    Started,
    TextDelta,
    TokenLogprob,
)
from deployments.contracts.search import ScoredChunk
from deployments.contracts.tools import CallDraft
from deployments.generator.citations import CitationTracker, is_grounded
from deployments.generator.config import SamplingArgs
from deployments.generator.context_window import fit_context, prompt_bound
from deployments.generator.extractive.asking.languages import missing_language
from deployments.generator.extractive.engine import NO_INFORMATION
from deployments.generator.prompting import (
    SEARCH_PROMPTS,
    last_question,
    render_answer,
    render_search,
    render_step,
)
from deployments.generator.stream_window import gather_within


@dataclass(slots=True)
class _Draft:
    """What was written so far."""

    text: str = ""
    completion_tokens: int = 0
    citations: list[Citation] = field(default_factory=list)
    logprobs: list[TokenLogprob] = field(default_factory=list)
    calls: CallDraft = field(default_factory=CallDraft)


class Writer:
    """Writes answers with one engine.

    Args:
        engine: Must have been started.
        model: What answers call it.
        defaults: Sampling where a request does not say.
        window_s: See `gather_within`.
    """

    def __init__(
        self, engine: Engine, *, model: str, defaults: SamplingArgs, window_s: float
    ) -> None:
        self._engine = engine
        self._model = model
        self._defaults = defaults
        self._window_s = window_s

    async def stream(self, request: GenerationRequest, *, call: CallContext) -> Events:
        """Yields the events of the answer, as many at a time as there are.

        Closing it frees the engine.

        Raises:
            RequestError: the request cannot be honoured; only before the first event.
            StageError: the engine failed.
        """
        arrived_s = time.perf_counter()
        if request.context == () and not _may_go_on_without_sources(request):
            yield self._nothing_found(request)
            return
        prompt = await self._prompt(request)
        prompt_ms = (time.perf_counter() - arrived_s) * 1e3
        sampling = self._sampling(request.sampling)
        draft = _Draft()
        ranks = tuple(hit.rank for hit in prompt.context)
        tracker = CitationTracker(ranks)
        started: Started | None = None
        deltas = self._engine.stream(prompt, sampling, call=call)
        async with aclosing(gather_within(deltas, self._window_s)) as gathered:
            async for some in gathered:
                events: list[GenerationEvent] = []
                if started is None:
                    started = self._started(request, some[0], ranks, arrived_s)
                    events.append(started)
                if piece := _join(some, tracker, draft):
                    events.append(piece)
                if some[-1].finish_reason is not None:
                    written = self._finished(request, some[-1], draft, started, arrived_s)
                    events.append(_with_laps(written, prompt_ms))
                if events:
                    yield events
                if some[-1].finish_reason is not None:
                    return
        raise StageFailed("The engine ended without saying why.", "generator")

    def _sampling(self, asked: Sampling) -> Sampling:
        """Returns what was asked with the defaults for what was not."""
        defaults = self._defaults.model_dump(exclude_none=True)
        missing = {name: value for name, value in defaults.items() if getattr(asked, name) is None}
        return replace(asked, **missing)

    async def _prompt(self, request: GenerationRequest) -> Prompt:
        if request.text is not None:
            return Prompt(text=request.text)
        if not request.messages:
            raise InvalidRequest("There is no message to answer.", "generator")
        if request.context is None:
            if request.prompt:
                return Prompt(messages=render_step(request.prompt, request.messages))
            return Prompt(messages=request.messages, tools=request.tools)
        asked = last_question(request.messages)

        def write(context: Sequence[ScoredChunk]) -> Prompt:
            return Prompt(
                messages=self._messages(request, context),
                question=request.question or asked,
                context=tuple(context),
                tools=request.tools,
                respellings=request.respellings,
            )

        window = self._engine.max_model_tokens
        if window is None:
            return write(request.context)
        max_tokens = request.sampling.max_tokens or self._defaults.max_tokens
        return await fit_context(
            request.context,
            write=write,
            count=self._engine.count_tokens,
            max_prompt_tokens=prompt_bound(window, max_tokens),
        )

    def _messages(
        self, request: GenerationRequest, context: Sequence[ScoredChunk]
    ) -> tuple[Message, ...]:
        if not self._engine.is_language_model:
            return ()
        if request.prompt.startswith(SEARCH_PROMPTS):
            return render_search(request.prompt, request.messages, context)
        return render_answer(
            request.prompt, request.messages, context, with_tools=bool(request.tools)
        )

    def _started(
        self,
        request: GenerationRequest,
        first: EngineDelta,
        ranks: tuple[int, ...],
        arrived_s: float,
    ) -> Started:
        return Started(
            model=self._model,
            prompt_tokens=first.prompt_tokens,
            cached_tokens=first.cached_tokens,
            prompt=request.prompt,
            context=ranks,
            times=_times(first.queue_ms, arrived_s),
            # Only who takes the text from its sources knows at once what it cites.
            is_quoted=first.citations is not None,
        )

    def _finished(
        self,
        request: GenerationRequest,
        last: EngineDelta,
        draft: _Draft,
        started: Started,
        arrived_s: float,
    ) -> Generation:
        assert last.finish_reason is not None
        citations = tuple(draft.citations) if last.citations is None else last.citations
        grounded = is_grounded(draft.text, citations) if last.grounded is None else last.grounded
        calls = draft.calls.calls()
        reason = last.finish_reason
        if calls and reason == "stop" and request.tools.choice != "named":
            # Some servers say `stop` after calls. OpenAI itself does after one that was named.
            reason = "tool_calls"
        return Generation(
            text=draft.text,
            citations=citations,
            grounded=grounded,
            finish_reason=reason,
            calls=calls,
            prompt_tokens=last.prompt_tokens,
            completion_tokens=draft.completion_tokens,
            model=self._model,
            times=_times(started.times.queue_ms, arrived_s),
            cached_tokens=last.cached_tokens,
            prompt=request.prompt,
            context=started.context,
            logprobs=tuple(draft.logprobs),
            ttft_ms=started.times.replica_ms,
            answerability=last.answerability,
        )

    def _nothing_found(self, request: GenerationRequest) -> Sequence[GenerationEvent]:
        """Returns the answer to a question without sources: no model is needed for it."""
        language = missing_language(request.question, ())
        written = Generation(
            text=f"{NO_INFORMATION} {language}".rstrip(),
            citations=(),
            grounded=False,
            finish_reason="stop",
            prompt_tokens=0,
            completion_tokens=0,
            model=self._model,
            prompt=request.prompt,
        )
        started = Started(self._model, 0, prompt=request.prompt)
        return started, TextDelta(written.text, 0), written


def _join(some: Sequence[EngineDelta], tracker: CitationTracker, draft: _Draft) -> TextDelta | None:
    """Returns the pieces as one, and adds it to the draft; None where they are empty."""
    text = "".join(delta.text for delta in some)
    tokens = sum(delta.completion_tokens for delta in some)
    logprobs = tuple(logprob for delta in some for logprob in delta.logprobs)
    found = some[-1].citations
    citations = tracker.feed(text) if found is None else found
    calls = draft.calls.add(piece for delta in some for piece in delta.calls)
    draft.text += text
    draft.completion_tokens += tokens
    draft.citations.extend(citations)
    draft.logprobs.extend(logprobs)
    if not (text or tokens or calls):
        return None
    return TextDelta(text, tokens, logprobs, citations, calls)


def _may_go_on_without_sources(request: GenerationRequest) -> bool:
    """Returns whether there is something to answer from although no document fits: functions that
    may be called, or what came of calls."""
    return bool(request.tools) or bool(request.messages and request.messages[-1].role == "tool")


def _with_laps(written: Generation, prompt_ms: float) -> Generation:
    """Returns the answer with the time it took to write its prompt, and then its text."""
    writing_ms = max(0.0, written.times.replica_ms - prompt_ms)
    laps = (Lap("prompt", 0.0, prompt_ms), Lap("write", prompt_ms, writing_ms))
    return replace(written, times=replace(written.times, laps=laps))


def _times(queue_ms: float, arrived_s: float) -> Times:
    replica_ms = (time.perf_counter() - arrived_s) * 1e3
    return Times(
        queue_ms=queue_ms, inference_ms=max(0.0, replica_ms - queue_ms), replica_ms=replica_ms
    )
