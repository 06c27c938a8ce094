"""A generator without a language model: it answers with the sentences of the context that answer
the question.

It decides from words, and from what retriever and reranker say of the chunks, so it needs no
weights and starts at once. What it cannot do is rephrase: whatever it says stands in a source, and
every sentence names that source.
"""

import asyncio
import math
from collections.abc import AsyncGenerator, Sequence

from deployments.contracts.calls import CallContext
from deployments.contracts.errors import UnsupportedField
from deployments.contracts.generation import Citation, EngineDelta, Generation, Prompt, Sampling
from deployments.contracts.search import ScoredChunk
from deployments.contracts.tools import Choice
from deployments.generator.extractive.analysis import analyse_sentence, passage_of
from deployments.generator.extractive.answerability import estimate_answerability
from deployments.generator.extractive.sentence_scoring import Candidate, score_sentences
from deployments.generator.extractive.shortening import shortened
from deployments.generator.extractive.terms import words

NO_INFORMATION = "I have no information about that in the indexed documents."
_ENOUGH_LIKELIHOOD = 0.9
"""Sentences are added until one of them holds the answer, if any does, with this likelihood."""
_WORTH_ADDING = 0.05
"""Likelihood beside the best sentence's from which a sentence is added for words of the question
that the others leave out: a question may ask for two things."""
_HONOURED = frozenset({"max_tokens", "stop", "temperature", "top_p", "seed"})
"""Wishes that are granted; those about chance hold by themselves, as nothing is sampled."""


class ExtractiveEngine:
    """Picks sentences; stateless and safe in several threads. See `Engine`.

    Args:
        model: What answers call this generator.
        max_sentences: Sentences of an answer at most.
        min_coverage_ratio: Share of the question's content words, by weight, that a passage must
            hold to count as support.
        min_answerability: What `estimate_answerability` must give; 0 asks for nothing.
    """

    def __init__(
        self,
        *,
        model: str,
        max_sentences: int,
        min_coverage_ratio: float,
        min_answerability: float = 0.0,
    ) -> None:
        self._model = model
        self._max_sentences = max_sentences
        self._min_coverage_ratio = min_coverage_ratio
        self._min_answerability = min_answerability

    max_model_tokens = None
    is_language_model = False
    tool_choices: tuple[Choice, ...] = ()

    async def start(self) -> None:
        """There is nothing to load."""

    async def check_health(self) -> None:
        """There is nothing that could die."""

    async def reach(self, *, timeout_s: float) -> None:
        """There is nothing outside."""

    async def close(self) -> None:
        """There is nothing to free."""

    async def count_tokens(self, prompt: Prompt) -> int:
        """Returns the words of the question and of its context."""
        return _count_words(prompt.question, prompt.context)

    async def stream(
        self, prompt: Prompt, sampling: Sampling, *, call: CallContext
    ) -> AsyncGenerator[EngineDelta, None]:
        """Yields the whole answer at once.

        Raises:
            UnsupportedField: the request wants what takes a language model.
        """
        if not prompt.question:
            advice = (
                "ask the model 'ragserve'"
                if prompt.text is None
                else "ask /v1/chat/completions, as a text is not gone on with"
            )
            raise UnsupportedField(
                f"'{self._model}' answers from documents only; {advice}.",
                errors=(_refusal("model"),),
            )
        tools = [prompt.tools.asked_by] if prompt.tools else []
        for name in (*tools, *sampling.asked()):
            if name not in _HONOURED:
                raise UnsupportedField(
                    f"'{self._model}' is no language model and cannot honour '{name}'.",
                    errors=(_refusal(name),),
                )
        written = await asyncio.to_thread(self.generate, prompt.question, prompt.context)
        cut = shortened(
            written.text, written.citations, max_words=sampling.max_tokens, stop=sampling.stop
        )
        yield EngineDelta(
            text=cut.text,
            completion_tokens=len(words(cut.text)),
            finish_reason=cut.finish_reason,
            prompt_tokens=written.prompt_tokens,
            citations=cut.citations,
            grounded=written.grounded,
            answerability=written.answerability,
        )

    def generate(self, question: str, context: Sequence[ScoredChunk]) -> Generation:
        """Returns the chosen sentences in reading order, each followed by its source as `[n]`.

        Tokens are counted as words: this engine has no tokenizer.
        """
        asked = analyse_sentence(question)
        prompt_tokens = _count_words(question, context)
        candidates = [
            candidate
            for candidate in score_sentences(asked, context)
            if (candidate.matched or candidate.is_named) and candidate.sentence.statement.is_whole
        ]
        best = max(candidates, key=lambda candidate: candidate.score, default=None)
        answerability = 0.0 if best is None else estimate_answerability(asked, best, context)
        grounded = (
            best is not None
            and best.support >= self._min_coverage_ratio
            and answerability >= self._min_answerability
        )
        text, citations = (
            _compose(_choose(candidates, self._max_sentences)) if grounded else (NO_INFORMATION, ())
        )
        return Generation(
            text=text,
            citations=citations,
            grounded=grounded,
            finish_reason="stop",
            prompt_tokens=prompt_tokens,
            answerability=answerability,
            completion_tokens=len(words(text)),
            model=self._model,
        )


def _refusal(name: str) -> dict[str, object]:
    return {"field": name, "message": "not supported by this model", "type": "unsupported_field"}


def _count_words(question: str, context: Sequence[ScoredChunk]) -> int:
    passages = (passage_of(hit.chunk) for hit in context)
    return len(words(question)) + sum(passage.word_count for passage in passages)


def _choose(candidates: Sequence[Candidate], max_sentences: int) -> list[Candidate]:
    """Returns the likeliest sentences in reading order: as many as it takes for one of them to hold
    the answer with enough likelihood, and what adds words of the question."""
    ranked = sorted(candidates, key=lambda one: (-one.score, one.order))
    best_of_text: dict[str, Candidate] = {}
    for candidate in ranked:
        best_of_text.setdefault(candidate.sentence.text, candidate)
    distinct = list(best_of_text.values())
    odds = [math.exp(one.score - ranked[0].score) for one in distinct]
    enough = _ENOUGH_LIKELIHOOD * math.fsum(odds)
    chosen: list[Candidate] = []
    covered: set[str] = set()
    reached = 0.0
    for candidate, odd in zip(distinct, odds, strict=True):
        if len(chosen) == max_sentences or (reached >= enough and odd < _WORTH_ADDING):
            break
        if any(_quotes(other, candidate) for other in chosen):
            reached += odd
        elif reached < enough or candidate.matched - covered:
            chosen = [other for other in chosen if not _quotes(candidate, other)]
            chosen.append(candidate)
            covered |= candidate.matched
            reached += odd
    return sorted(chosen, key=lambda one: one.order)


def _quotes(candidate: Candidate, other: Candidate) -> bool:
    """Returns whether a sentence takes another one along, as an item of the list that it leads
    into."""
    introduced = candidate.sentence.statement.introduces
    statement = other.sentence.statement
    return candidate.source == other.source and (statement.shown or statement.text) in introduced


def _compose(chosen: Sequence[Candidate]) -> tuple[str, tuple[Citation, ...]]:
    """Returns the answer's text and the stretch of it that each source supports."""
    text, was_block = "", False
    citations = []
    for candidate in chosen:
        text += "" if not text else "\n\n" if was_block else " "
        start = len(text)
        statement = candidate.sentence.statement
        # Below a block, in which a mark would be a part of the code or of the last cell.
        text += statement.quote + ("\n\n" if statement.introduces else " ")
        text += f"[{candidate.source}]"
        citations.append(Citation(start, len(text), candidate.source))
        was_block = bool(statement.introduces)
    return text, tuple(citations)
