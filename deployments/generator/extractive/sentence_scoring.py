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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from deployments.contracts.search import ScoredChunk
from deployments.generator.extractive.asking.answer_types import expected_type, offers
from deployments.generator.extractive.asking.definitions import asked_term, defines
from deployments.generator.extractive.asking.naming import Around, Naming
from deployments.generator.extractive.reading.analysis import (
    Passage,
    Sentence,
    blocks_of,
    passage_of,
)
from deployments.generator.extractive.reading.terms import terms

_COVERAGE = 7.5
"""For all of the question's weight in the sentence."""
_PREVIOUS = 1.5
"""For all of it in the sentence before: what a pronoun may stand for."""
_HEADINGS = 3.0
"""For all of it in the headings above. Set by hand: SQuAD's headings are a word or two, from which
nothing can be fitted, and its answers are as good with 0.5 as with this."""
_PRONOUN = 5.5
"""The same for a sentence that begins with a pronoun: it speaks of what stands above."""
_PRONOUNS = frozenset(("it", "they", "this", "these", "he", "she", "there"))
_PAIRS = 2.4
"""For every pair of neighbours in the question being neighbours in the sentence."""
_WITHOUT_TYPE = -1.5
"""For a sentence that has nothing of the kind that is asked for, such as no number."""
_DEFINES = 2.5
"""For a sentence that says what something is, where that is asked. Set by hand."""
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
    pairs: float = 0.0
    heaviest_missing: float = 0.0


def score_sentences(question: Sentence, context: Sequence[ScoredChunk]) -> list[Candidate]:
    """Returns every sentence of the context in reading order; none where the question has no term
    to look for.

    A term weighs more the rarer it is among the sentences; one that no sentence has weighs most, so
    that a question about something else finds no support.
    """
    return Scorer(question, context).sentences()


class Scorer:
    """Judges what a context has to say to one question.

    Args:
        question: The question.
        context: The passages, best first.
        unsaid: Terms of the question that are looked for nowhere.
    """

    def __init__(
        self,
        question: Sentence,
        context: Sequence[ScoredChunk],
        unsaid: frozenset[str] = frozenset(),
    ) -> None:
        self._question = question
        self._terms = question.terms - unsaid
        self._context = context
        self._passages = [passage_of(hit.chunk) for hit in context]
        self.weights = _weigh(self._terms, self._passages)
        self._passage_scores = _score_passages(context)
        self._kind = expected_type(question)
        self._defined = asked_term(question)
        self._naming = Naming.of(question.text)
        self._numbers = question.numbers - self._naming.parts
        self._pairs = _pairs(question, self._terms)

    def sentences(self) -> list[Candidate]:
        """Returns every sentence of the context in reading order."""
        return self._candidates(lambda place: self._passages[place].sentences)

    def blocks(self) -> list[Candidate]:
        """Returns every block of the context that may be shown, in reading order, judged by what it
        holds and by the sentence that leads to it."""
        return self._candidates(lambda place: blocks_of(self._context[place].chunk))

    def _candidates(self, parts: Callable[[int], Sequence[Sentence]]) -> list[Candidate]:
        candidates: list[Candidate] = []
        if not self.weights:
            return candidates
        for place, hit in enumerate(self._context):
            headings = frozenset(terms(f"{hit.chunk.title} {hit.chunk.heading}"))
            held = (self._passages[place].terms | headings) & self._terms
            support = _share(held, self.weights)
            around = self._naming.around(hit.chunk)
            before: frozenset[str] = frozenset()
            for sentence in parts(place):
                order = len(candidates)
                candidates.append(
                    self._judge(sentence, place, order, support, headings, before, around)
                )
                before = sentence.terms
        return candidates

    def _judge(
        self,
        sentence: Sentence,
        place: int,
        order: int,
        support: float,
        headings: frozenset[str],
        before: frozenset[str],
        around_named: Around,
    ) -> Candidate:
        hit, weights = self._context[place], self.weights
        nearest = hit.chunk.heading.rpartition(" > ")[2]
        section = sentence.statement.section
        above = headings | frozenset(terms(section)) if section else headings
        matched = self._terms & sentence.terms
        missing = self._terms - matched
        coverage = _share(matched, weights)
        pairs = _share_of_pairs(self._pairs, sentence, weights)
        score = (
            _COVERAGE * coverage
            + _PREVIOUS * _share(missing & before, weights)
            + (_PRONOUN if sentence.words[:1] and sentence.words[0] in _PRONOUNS else _HEADINGS)
            * _share(missing & above, weights)
            + _PAIRS * pairs
            + self._passage_scores[place]
        )
        if self._defined is not None and defines(sentence, self._defined):
            score += _DEFINES
        if self._kind is not None and not offers(self._kind, sentence, self._question):
            score += _WITHOUT_TYPE
        named = self._naming.judge(f"{section or nearest}\n{sentence.text}", around_named)
        score += named.score
        if named.is_code:
            # A section that bears the code speaks of it in each sentence.
            own = frozenset(terms(section or nearest)) & self._terms
            coverage = _share(matched | own, weights)
        around = before | above
        return Candidate(
            sentence,
            source=hit.rank,
            order=order,
            matched=matched,
            around=around,
            coverage=coverage,
            support=support,
            score=score,
            lacks_code=named.lacks_code,
            lacks_number=bool(self._numbers - sentence.numbers - around),
            is_named=named.score > 0,
            pairs=pairs,
            heaviest_missing=max((weights[term] for term in missing - around), default=0.0),
        )


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


def _pairs(question: Sentence, wanted: frozenset[str]) -> list[tuple[str, str]]:
    terms = [term for term, _ in question.sequence if term in wanted]
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
