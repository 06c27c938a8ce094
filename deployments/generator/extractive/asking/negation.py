"""Questions about what is not, and sentences that say it, with a word of negation or without."""

import re

from deployments.generator.extractive.reading.analysis import Sentence, negations
from deployments.generator.extractive.reading.terms import stem

_NEGATIVE = frozenset(
    map(
        stem,
        """lack fail refuse deny avoid exclude except prevent instead rather unlike absent missing
        unable impossible forbid forbidden reject unless only few little hardly less rarely seldom
        stop ignore skip disable unavailable""".split(),  # noqa: SIM905
    )
)
"""Words by which a sentence says what is not without a word of negation."""
_EITHER_WAY = re.compile(r"\bor (?:may |can |does |do |is )?not\b", re.IGNORECASE)
"""`whether or not` asks for both."""


def asks_what_is_not(question: Sentence) -> bool:
    """Returns whether a question is about what is not. Why something is not so may be said without
    a word of negation, and what is to be done without something is to be done all the same."""
    return (
        question.is_negated
        and "why" not in question.words
        and bool(negations(question.words) - {"without"})
        and not _EITHER_WAY.search(question.text)
    )


def says_what_is_not(sentence: Sentence) -> bool:
    """Returns whether a sentence says what is not, in one way or another."""
    return (
        sentence.is_negated
        or not _NEGATIVE.isdisjoint(sentence.stems)
        or any(word.startswith("non") for word in sentence.words)
    )
