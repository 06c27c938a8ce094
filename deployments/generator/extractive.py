"""A generator without a language model: it answers with the sentences of the context that answer
the question.

It decides from words alone, so it needs no weights and starts at once. What it cannot do is
rephrase: whatever it says stands in a source, and every sentence names that source.
"""

import asyncio
import math
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from deployments.contracts import CallContext, Citation, Generation, ScoredChunk
from deployments.errors import UnsupportedField
from deployments.generation import EngineDelta, Prompt, Sampling
from deployments.generator.sentences import sentences, terms, words

NO_INFORMATION = "I have no information about that in the indexed documents."
_NEXT_SENTENCE_RATIO = 0.6
"""A further sentence must score at least this share of the best one."""
_RANK_WEIGHT = 0.35
"""How much the first chunk's place counts beside a full match of the question's words."""
_HEADING_WEIGHT = 0.5
"""A word of the question found in the headings above a sentence counts this much of one found in
it."""
_WITHOUT_EFFECT = frozenset({"max_tokens", "temperature", "top_p", "seed"})
"""Wishes that hold by themselves: nothing is sampled, and an answer has a few sentences."""
_KEPT_PASSAGES = 4096
"""Passages that are found often are taken apart once; about 10 kB each."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    text: str
    source: int
    order: int
    matched: frozenset[str]
    score: float
    support: float


@dataclass(frozen=True, slots=True)
class _Passage:
    """What the words of a passage are, whatever is asked about it."""

    sentences: tuple[tuple[str, frozenset[str]], ...]
    terms: frozenset[str]
    word_count: int


class ExtractiveEngine:
    """Picks sentences; stateless and safe in several threads. See `Engine`.

    Args:
        model: What answers call this generator.
        max_sentences: Sentences of an answer at most.
        min_coverage_ratio: Share of the question's content words, by weight, that a passage must
            hold to count as support.
    """

    def __init__(self, *, model: str, max_sentences: int, min_coverage_ratio: float) -> None:
        self._model = model
        self._max_sentences = max_sentences
        self._min_coverage_ratio = min_coverage_ratio

    max_model_tokens = None

    async def start(self) -> None:
        """There is nothing to load."""

    async def check_health(self) -> None:
        """There is nothing that could die."""

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
            raise UnsupportedField(
                f"'{self._model}' answers from documents only; ask the model 'ragserve'.",
                errors=(_refusal("model"),),
            )
        for name in sampling.asked():
            if name not in _WITHOUT_EFFECT:
                raise UnsupportedField(
                    f"'{self._model}' is no language model and cannot honour '{name}'.",
                    errors=(_refusal(name),),
                )
        written = await asyncio.to_thread(self.generate, prompt.question, prompt.context)
        yield EngineDelta(
            text=written.text,
            completion_tokens=written.completion_tokens,
            finish_reason=written.finish_reason,
            prompt_tokens=written.prompt_tokens,
            citations=written.citations,
            grounded=written.grounded,
        )

    def generate(self, question: str, context: Sequence[ScoredChunk]) -> Generation:
        """Returns the chosen sentences in reading order, each followed by its source as `[n]`.

        Tokens are counted as words: this engine has no tokenizer.
        """
        prompt_tokens = _count_words(question, context)
        candidates = _candidates(question, context)
        best = max(candidates, key=lambda candidate: candidate.score, default=None)
        if best is None or best.support < self._min_coverage_ratio:
            return self._result(NO_INFORMATION, (), False, prompt_tokens)
        text, citations = _compose(_choose(candidates, best, self._max_sentences))
        return self._result(text, citations, True, prompt_tokens)

    def _result(
        self, text: str, citations: tuple[Citation, ...], grounded: bool, prompt_tokens: int
    ) -> Generation:
        return Generation(
            text=text,
            citations=citations,
            grounded=grounded,
            finish_reason="stop",
            prompt_tokens=prompt_tokens,
            completion_tokens=len(words(text)),
            model=self._model,
        )


def _refusal(name: str) -> dict[str, object]:
    return {"field": name, "message": "not supported by this model", "type": "unsupported_field"}


def _count_words(question: str, context: Sequence[ScoredChunk]) -> int:
    return len(words(question)) + sum(_analyse(hit.chunk.text).word_count for hit in context)


@lru_cache(maxsize=_KEPT_PASSAGES)
def _analyse(text: str) -> _Passage:
    return _Passage(
        sentences=tuple((one, frozenset(terms(one))) for one in sentences(text)),
        terms=frozenset(terms(text)),
        word_count=len(words(text)),
    )


def _candidates(question: str, context: Sequence[ScoredChunk]) -> list[_Candidate]:
    """Returns every sentence of the context with its score.

    A question word weighs more the rarer it is among the sentences; one that no sentence has weighs
    most, so that a question about something else finds no support.
    """
    asked = frozenset(terms(question))
    passages = [_analyse(hit.chunk.text) for hit in context]
    found = [
        (source, sentence, has)
        for source, passage in enumerate(passages, start=1)
        for sentence, has in passage.sentences
    ]
    if not asked or not found:
        return []
    frequency = Counter(term for _, _, has in found for term in has & asked)
    weights = {term: math.log1p(len(found) / (0.5 + frequency[term])) for term in asked}
    total = sum(weights.values())
    headings = [
        asked.intersection(terms(f"{hit.chunk.title} {hit.chunk.heading}")) for hit in context
    ]
    supported = [asked & passage.terms for passage in passages]
    candidates = []
    for order, (source, sentence, has) in enumerate(found):
        above = headings[source - 1]
        around = above | supported[source - 1]
        in_sentence = sum(weights[term] for term in asked & has)
        in_headings = sum(weights[term] for term in above - has)
        relevance = (in_sentence + _HEADING_WEIGHT * in_headings) / total
        candidates.append(
            _Candidate(
                text=sentence,
                source=source,
                order=order,
                matched=asked & has,
                score=relevance + _RANK_WEIGHT / source if in_sentence else 0.0,
                support=sum(weights[term] for term in around) / total,
            )
        )
    return candidates


def _choose(
    candidates: Sequence[_Candidate], best: _Candidate, max_sentences: int
) -> list[_Candidate]:
    """Returns the best sentence, and those close behind that match words it leaves out."""
    chosen = [best]
    covered = set(best.matched)
    for candidate in sorted(candidates, key=lambda one: (-one.score, one.order)):
        if len(chosen) == max_sentences or candidate.score < _NEXT_SENTENCE_RATIO * best.score:
            break
        if candidate.text != best.text and candidate.matched - covered:
            chosen.append(candidate)
            covered |= candidate.matched
    return sorted(chosen, key=lambda one: (one.source, one.order))


def _compose(chosen: Sequence[_Candidate]) -> tuple[str, tuple[Citation, ...]]:
    """Returns the answer's text and the stretch of it that each source supports."""
    text = ""
    citations = []
    for candidate in chosen:
        text += " " if text else ""
        start = len(text)
        text += f"{candidate.text} [{candidate.source}]"
        citations.append(Citation(start, len(text), candidate.source))
    return text, tuple(citations)
