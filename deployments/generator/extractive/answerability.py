"""How likely the context answers the question at all, by the best sentence in it and by what its
passage says.

Near-misses are the hard case: the passage is on the subject, but speaks of another year, of
somebody else or of the opposite. That a question has a number, a name or a "not" says nothing
against it: what counts is whether the passage, with its title, path and headings, says it too.
"""

import math
from collections.abc import Mapping, Sequence

from deployments.contracts.search import ScoredChunk, Signals
from deployments.generator.extractive.asking.answer_types import expected_type, offers
from deployments.generator.extractive.asking.contrasts import count_contrasts
from deployments.generator.extractive.asking.negation import asks_what_is_not, says_what_is_not
from deployments.generator.extractive.asking.numerals import lacks_number
from deployments.generator.extractive.reading.analysis import (
    Passage,
    Sentence,
    passage_of,
    with_digit,
)
from deployments.generator.extractive.reading.terms import terms, words
from deployments.generator.extractive.sentence_scoring import Candidate

_DENSE, _USUAL_DENSE = 2.7, 0.55
"""For one unit of the best cosine of a chunk, from its mean over answerable questions on."""
_RERANK, _USUAL_RERANK = 3.4, 0.68
"""The same for the reranker's score. The better of both counts: they say the same, and a question
of few words may get too little from one of them."""

_NEGATED_SHARE = 1 / 3
"""Share of the question's terms that a sentence has to have to speak of it."""

_WEIGHTS: Mapping[str, float] = {
    "bias": 0.4,
    "scattered": -2.0,
    "missing_name": -1.0,
    "missing_number": -2.0,
    "missing_code": -2.0,
    "contrast": -1.5,
    "unsaid_negation": -2.3,
    "heaviest_missing": -0.65,
    "wrong_type": -0.1,
    "signal": 1.3,
}
"""A logistic regression's on half of the paragraphs that were at hand of SQuAD 2.0, with as many
near-misses as answerable questions of each type (with a number, negated, the rest), rounded:
near-misses of SQuAD are negated far more often than honest questions, which says nothing about
other texts. That of codes is set by hand."""


def estimate_answerability(
    question: Sentence, best: Candidate, context: Sequence[ScoredChunk]
) -> float:
    """Returns a number in (0, 1) that is higher the likelier the context answers the question."""
    return likelihood(features(question, best, context))


def likelihood(found: Mapping[str, float]) -> float:
    """Returns the same of what `features` has found."""
    logit = math.fsum(_WEIGHTS[name] * value for name, value in found.items())
    return 1.0 / (1.0 + math.exp(-logit))


def is_opposite_case(found: Mapping[str, float]) -> bool:
    """Returns whether the best sentence speaks of the opposite of what is asked: of what is, where
    the question is about what is not, or of a word's opposite."""
    return bool(found["contrast"] or found["unsaid_negation"])


def features(
    question: Sentence, best: Candidate, context: Sequence[ScoredChunk]
) -> dict[str, float]:
    """Returns what is known of a question, the best sentence for it and that sentence's passage."""
    hit = next(one for one in context if one.rank == best.source)
    passage = passage_of(hit.chunk)
    names = f"{hit.chunk.title} {hit.chunk.heading} {hit.chunk.path}"
    above = frozenset(terms(names))
    said = passage.terms | above
    sentence = best.sentence
    numbers = passage.numbers | with_digit(words(names))
    kind = expected_type(question)
    return {
        "bias": 1.0,
        # For words of the question that meet in no sentence: they answer little.
        "scattered": best.support - best.coverage,
        "missing_name": float(bool(question.names - sentence.terms - best.around)),
        "missing_number": float(lacks_number(question.numbers, numbers, said)),
        "missing_code": float(best.lacks_code),
        "contrast": float(bool(count_contrasts(question.stems - passage.stems, sentence.stems))),
        "unsaid_negation": float(_is_negation_unsaid(question, passage)),
        "heaviest_missing": best.heaviest_missing,
        "wrong_type": float(kind is not None and not offers(kind, sentence, question)),
        "signal": _judge_signals([one.signals for one in context]),
    }


def _is_negation_unsaid(question: Sentence, passage: Passage) -> bool:
    """Returns whether a question asks for what is not, and no sentence of the passage that speaks
    of it says what is not."""
    return asks_what_is_not(question) and not any(
        says_what_is_not(sentence)
        and len(sentence.terms & question.terms) >= _NEGATED_SHARE * len(question.terms)
        for sentence in passage.sentences
    )


def _judge_signals(signals: Sequence[Signals]) -> float:
    said = [
        _DENSE * (signal.dense - _USUAL_DENSE) for signal in signals if signal.dense is not None
    ]
    said += [
        _RERANK * (signal.rerank - _USUAL_RERANK)
        for signal in signals
        # What is no mean of cosines is on a scale of which nothing is known here.
        if signal.rerank is not None and abs(signal.rerank) <= 1.0
    ]
    return max(said, default=0.0)
