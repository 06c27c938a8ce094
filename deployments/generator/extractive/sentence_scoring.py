"""How likely each sentence of the context is to hold the answer, by few and visible features.

The score is a sum of features times weights. The weights maximise the likelihood that, among the
sentences of the five best chunks, one with the answer is drawn with a probability proportional to
`exp(score)`; they were fitted on half of the paragraphs that were at hand of SQuAD 2.0, and
rounded.

Source: Rajpurkar, Jia and Liang, Know What You Don't Know: Unanswerable Questions for SQuAD, ACL
2018.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deployments.contracts.search import ScoredChunk
from deployments.generator.extractive.analysis import Passage, Sentence, passage_of
from deployments.generator.extractive.answer_types import expected_type, offers
from deployments.generator.extractive.naming import Naming
from deployments.generator.extractive.terms import terms

_COVERAGE = 7.5
"""For all of the question's weight in the sentence."""
_PREVIOUS = 1.5
"""For all of it in the sentence before: what a pronoun may stand for."""
_HEADINGS = 3.0
"""For all of it in the headings above. Set by hand: SQuAD's headings are a word or two, from which
nothing can be fitted, and its answers are as good with 0.5 as with this."""
_PAIRS = 2.4
"""For every pair of neighbours in the question being neighbours in the sentence."""
_WITHOUT_TYPE = -1.5
"""For a sentence that has nothing of the kind that is asked for, such as no number."""
_RERANK = 37.0
"""For one unit less of the reranker's score than the best chunk has."""
_MAX_RERANK_LOSS = 4.0
"""Scores of another reranker may have another scale: a chunk that ranks low still counts."""
_RANK = 3.2
"""For the first chunk's place, 1 / rank, where a reranker has not said more."""
_NEAR_WORDS = 3
"""Words between two terms at most that still count as neighbours."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence of the context as an answer.

    `source` is the rank of its chunk, `order` sentences of the context from 0. `matched` are the
    question's terms in the sentence; `coverage` is their share of the question's weight, `support`
    the share that the passage holds with its headings. `around` are the terms of the headings and
    of the sentence before. `lacks_code` says that a code or a phrase of the question stands neither
    in the sentence nor in its passage or its names, `lacks_number` that a number of it stands
    neither in the sentence nor around it, `is_named` that the sentence or its section has what the
    question names.
    """

    sentence: Sentence
    source: int
    order: int
    matched: frozenset[str]
    around: frozenset[str]
    coverage: float
    support: float
    score: float
    lacks_code: bool = False
    lacks_number: bool = False
    is_named: bool = False


def score_sentences(question: Sentence, context: Sequence[ScoredChunk]) -> list[Candidate]:
    """Returns every sentence of the context in reading order; none where the question has no term
    to look for.

    A term weighs more the rarer it is among the sentences; one that no sentence has weighs most, so
    that a question about something else finds no support.
    """
    passages = [passage_of(hit.chunk) for hit in context]
    weights = _weigh(question.terms, passages)
    if not weights:
        return []
    passage_scores = _score_passages(context)
    kind = expected_type(question)
    naming = Naming.of(question.text)
    numbers = question.numbers - naming.parts
    pairs = _pairs(question)
    candidates: list[Candidate] = []
    for hit, passage, passage_score in zip(context, passages, passage_scores, strict=True):
        headings = frozenset(terms(f"{hit.chunk.title} {hit.chunk.heading}"))
        support = _share((passage.terms | headings) & question.terms, weights)
        around_named = naming.around(hit.chunk)
        nearest = hit.chunk.heading.rpartition(" > ")[2]
        before: frozenset[str] = frozenset()
        for sentence in passage.sentences:
            section = sentence.statement.section
            above = headings | frozenset(terms(section)) if section else headings
            matched = question.terms & sentence.terms
            missing = question.terms - matched
            coverage = _share(matched, weights)
            score = (
                _COVERAGE * coverage
                + _PREVIOUS * _share(missing & before, weights)
                + _HEADINGS * _share(missing & above, weights)
                + _PAIRS * _share_of_pairs(pairs, sentence, weights)
                + passage_score
            )
            if kind is not None and not offers(kind, sentence, question):
                score += _WITHOUT_TYPE
            said = f"{section or nearest}\n{sentence.text}"
            named = naming.judge(said, around_named)
            score += named.score
            if named.is_code:
                # A section that bears the code speaks of it in each sentence.
                own = frozenset(terms(section or nearest)) & question.terms
                coverage = _share(matched | own, weights)
            around = before | above
            candidates.append(
                Candidate(
                    *(sentence, hit.rank, len(candidates), matched, around, coverage, support),
                    *(score, named.lacks_code, bool(numbers - sentence.numbers - around)),
                    named.score > 0,
                )
            )
            before = sentence.terms
    return candidates


def _weigh(asked: frozenset[str], passages: Sequence[Passage]) -> dict[str, float]:
    """Returns the share of each term in the question's meaning; they sum to 1."""
    found = [sentence.terms for passage in passages for sentence in passage.sentences]
    if not asked or not found:
        return {}
    frequency = Counter(term for terms in found for term in terms & asked)
    rarity = {term: math.log1p(len(found) / (0.5 + frequency[term])) for term in asked}
    total = math.fsum(rarity.values())
    return {term: weight / total for term, weight in rarity.items()}


def _share(terms: frozenset[str], weights: Mapping[str, float]) -> float:
    return math.fsum(weights[term] for term in terms)


def _pairs(question: Sentence) -> list[tuple[str, str]]:
    terms = [term for term, _ in question.sequence]
    return [(one, other) for one, other in zip(terms, terms[1:], strict=False) if one != other]


def _share_of_pairs(
    pairs: Sequence[tuple[str, str]], sentence: Sentence, weights: Mapping[str, float]
) -> float:
    total = found = 0.0
    for one, other in pairs:
        weight = weights[one] + weights[other]
        total += weight
        if _are_near(sentence.places.get(one, ()), sentence.places.get(other, ())):
            found += weight
    return found / total if total else 0.0


def _are_near(places: Sequence[int], others: Sequence[int]) -> bool:
    return any(abs(place - other) <= _NEAR_WORDS for place in places for other in others)


def _score_passages(context: Sequence[ScoredChunk]) -> list[float]:
    """Returns what each chunk's sentences lose against those of the best chunk."""
    reranked = [hit.signals.rerank for hit in context]
    known = [score for score in reranked if score is not None]
    if len(known) < len(reranked):
        return [_RANK * (1 / source - 1) for source in range(1, len(context) + 1)]
    return [max(-_MAX_RERANK_LOSS, _RERANK * (score - max(known))) for score in known]
