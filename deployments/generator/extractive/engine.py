"""A generator without a language model: it answers with the sentences of the context that answer
the question.

It decides from words, and from what retriever and reranker say of the chunks, so it needs no
weights and starts at once. What it cannot do is rephrase: whatever it says stands in a source, and
every sentence names that source.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence

from deployments.contracts.calls import CallContext
from deployments.contracts.errors import UnsupportedField
from deployments.contracts.generation import EngineDelta, Generation, Prompt, Sampling
from deployments.contracts.search import ScoredChunk
from deployments.contracts.tools import Choice
from deployments.generator.extractive.answerability import features, is_opposite_case, likelihood
from deployments.generator.extractive.asking.languages import missing_language
from deployments.generator.extractive.asking.sides import parts_of, sides_of
from deployments.generator.extractive.asking.wishes import Wish, wish_of
from deployments.generator.extractive.choosing import choose, choose_for_sides, wanted_block
from deployments.generator.extractive.composing import Answer, compose, joined
from deployments.generator.extractive.polarity import (
    asks_yes_or_no,
    head_of,
    preferring_decisive,
    says_it_below,
)
from deployments.generator.extractive.reading.analysis import Sentence, analyse_sentence, passage_of
from deployments.generator.extractive.reading.terms import words
from deployments.generator.extractive.sentence_scoring import Candidate, Scorer
from deployments.generator.extractive.shortening import shortened

NO_INFORMATION = "I have no information about that in the indexed documents."
OPPOSITE = "Only the opposite case was found"
"""Before an answer that rests on a sentence about the opposite of what was asked."""
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
        written = await asyncio.to_thread(
            self.generate, prompt.question, prompt.context, prompt.respellings
        )
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

    def generate(
        self,
        question: str,
        context: Sequence[ScoredChunk],
        respellings: Sequence[tuple[str, str]] = (),
    ) -> Generation:
        """Returns the sentences and blocks that answer a question, each followed by its source as
        `[n]`; of several questions in one, the answers one after the other. Words of the
        question that were read as others are named before.

        Tokens are counted as words: this engine has no tokenizer.
        """
        answers = [self._answer(part, context) for part in parts_of(question)]
        given = [answer for answer in answers if answer.is_grounded]
        text, citations = joined(given, respellings) if given else (NO_INFORMATION, ())
        if not given and (language := missing_language(question, context)):
            text = f"{NO_INFORMATION} {language}"
        return Generation(
            text=text,
            citations=citations,
            grounded=bool(given),
            finish_reason="stop",
            prompt_tokens=_count_words(question, context),
            answerability=max((one.answerability for one in answers), default=0.0),
            completion_tokens=len(words(text)),
            model=self._model,
        )

    def _answer(self, question: str, context: Sequence[ScoredChunk]) -> Answer:
        asked = analyse_sentence(question)
        wish = wish_of(asked)
        scorer = Scorer(asked, context, wish.form_terms)
        wants_yes_or_no = asks_yes_or_no(asked)
        candidates = [
            one
            for one in scorer.sentences()
            if _says_something(one) or (wants_yes_or_no and says_it_below(asked, one))
        ]
        if wants_yes_or_no:
            candidates = preferring_decisive(asked, candidates)
        shown = wanted_block(wish, scorer, candidates)
        best = shown or max(candidates, key=lambda candidate: candidate.score, default=None)
        if best is None:
            return Answer()
        found = features(asked, best, context)
        answerability = likelihood(found)
        if best.support < self._min_coverage_ratio or answerability < self._min_answerability:
            return Answer(answerability)
        chosen = self._choose(asked, wish, shown, candidates)
        head: str | None = None if shown else head_of(asked, best)
        if head is not None:
            chosen.sort(key=lambda one: one is not best)
        elif not wants_yes_or_no and is_opposite_case(found):
            head = OPPOSITE
        return Answer(answerability, compose(chosen, asked, head=head or ""))

    def _choose(
        self,
        question: Sentence,
        wish: Wish,
        shown: Candidate | None,
        candidates: Sequence[Candidate],
    ) -> list[Candidate]:
        if shown is not None:
            if wish.form == "example":
                return [shown]
            return choose([shown, *candidates], self._max_sentences)
        sides = sides_of(question)
        if sides is not None and self._max_sentences > 1:
            return choose_for_sides(candidates, sides, self._max_sentences)
        return choose(candidates, self._max_sentences)


def _says_something(candidate: Candidate) -> bool:
    return (candidate.matched or candidate.is_named) and candidate.sentence.statement.is_whole


def _refusal(name: str) -> dict[str, object]:
    return {"field": name, "message": "not supported by this model", "type": "unsupported_field"}


def _count_words(question: str, context: Sequence[ScoredChunk]) -> int:
    passages = (passage_of(hit.chunk) for hit in context)
    return len(words(question)) + sum(passage.word_count for passage in passages)
