"""Which sentences and blocks of the context make the answer."""

import math
from collections.abc import Sequence
from dataclasses import replace

from deployments.generator.extractive.asking.sides import share
from deployments.generator.extractive.asking.wishes import DRAWINGS, Wish
from deployments.generator.extractive.sentence_scoring import Candidate, Scorer

_ENOUGH_LIKELIHOOD = 0.85
"""Sentences are added until one of them holds the answer, if any does, with this likelihood."""
_WORTH_ADDING, _WORTH_ADDING_MUCH = 0.2, 0.05
"""Likelihood beside the best sentence's from which a sentence is added for words of the question
that the others leave out; the second one where it adds as many as `_MUCH` of all that are found: a
question may ask for two things."""
_MUCH = 0.25
_SIDE, _SIDE_INSIDE = 6.0, 1.5
"""For a sentence, or the headings above it, that speaks of one of two compared things alone; and
for the sentence itself."""
_CODE, _LANGUAGE, _LIST = 3.0, 4.0, 2.5
_MIN_BLOCK_COVERAGE = 0.25


def wanted_block(wish: Wish, scorer: Scorer, candidates: Sequence[Candidate]) -> Candidate | None:
    """Returns the block that a question wants to be shown; None where it wants none, or the context
    holds none that speaks of the question."""
    if wish.form == "sentence":
        return None
    best_sentence = max((one.score for one in candidates), default=-math.inf)
    fitting = [(one.score + _bonus(wish, one), one) for one in scorer.blocks() if _fits(wish, one)]
    if not fitting:
        return None
    score, block = max(fitting, key=lambda one: (one[0], -one[1].order))
    if wish.form == "example":
        return block if block.support >= _MIN_BLOCK_COVERAGE else None
    return replace(block, score=score, order=-1) if score >= best_sentence else None


def _fits(wish: Wish, candidate: Candidate) -> bool:
    statement = candidate.sentence.statement
    language = statement.language.lower()
    if language in DRAWINGS and language not in wish.languages:
        return False
    if wish.form == "list":
        return statement.block in ("item", "row")
    if wish.form == "steps":
        # A list without numbers is a list of things, and no way to do something.
        return statement.block == "code" or statement.marker[:1].isdigit()
    return True


def _bonus(wish: Wish, candidate: Candidate) -> float:
    statement = candidate.sentence.statement
    if wish.form == "list":
        return _LIST
    if wish.form == "steps":
        return 0.0
    bonus = _CODE if statement.block == "code" else 0.0
    language = statement.language.lower()
    return bonus + (_LANGUAGE if wish.languages and language in wish.languages else 0.0)


def choose(candidates: Sequence[Candidate], max_sentences: int) -> list[Candidate]:
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
        if len(chosen) == max_sentences or (reached >= enough and odd < _WORTH_ADDING_MUCH):
            break
        if any(_quotes(other, candidate) for other in chosen):
            reached += odd
        elif reached < enough or _is_worth_adding(candidate.matched, covered, odd):
            chosen = [other for other in chosen if not _quotes(candidate, other)]
            chosen.append(candidate)
            covered |= candidate.matched
            reached += odd
    return sorted(chosen, key=lambda one: one.order)


def _is_worth_adding(matched: frozenset[str], covered: set[str], odd: float) -> bool:
    new = matched - covered
    is_much = len(new) >= _MUCH * len(matched | covered)
    return bool(new) and odd >= (_WORTH_ADDING_MUCH if is_much else _WORTH_ADDING)


def choose_for_sides(
    candidates: Sequence[Candidate],
    sides: tuple[frozenset[str], frozenset[str]],
    max_sentences: int,
) -> list[Candidate]:
    """Returns for each of two compared things the sentence that speaks of it, and the best of all
    where there is room, in the order of the question."""
    chosen: list[Candidate] = []
    for place, side in enumerate(sides):
        other = sides[1 - place]

        def score(
            one: Candidate, side: frozenset[str] = side, other: frozenset[str] = other
        ) -> float:
            own = share(one.matched | one.around, side) - share(one.matched | one.around, other)
            inside = share(one.matched, side)
            return one.score + _SIDE * own + _SIDE_INSIDE * inside

        fitting = [one for one in candidates if (one.matched | one.around) & side]
        best = max(fitting, key=score, default=None)
        if best is not None and best not in chosen:
            chosen.append(best)
    likeliest = max(candidates, key=lambda one: one.score, default=None)
    if likeliest is not None and likeliest not in chosen and len(chosen) < max_sentences:
        chosen.append(likeliest)
    return chosen


def _quotes(candidate: Candidate, other: Candidate) -> bool:
    """Returns whether a sentence takes another one along, as an item of the list that it leads
    into."""
    introduced = candidate.sentence.statement.introduces
    statement, own = other.sentence.statement, candidate.sentence.statement
    if candidate.source != other.source or not introduced:
        return False
    is_its_lead = own.block is not None and own.text == statement.text
    return is_its_lead or (statement.shown or statement.text) in introduced
