"""Types of questions by which refusing is reported: near-misses are made differently of each."""

import re
from collections.abc import Iterable
from typing import Literal, get_args

QuestionType = Literal["numbers", "negated", "rest"]
TYPES: tuple[QuestionType, ...] = get_args(QuestionType)

_DIGIT = re.compile(r"\d")
_NEGATION = re.compile(
    r"\b(?:cannot|neither|never|no|nobody|none|nor|not|nothing|without)\b|n't\b", re.IGNORECASE
)


def type_of(question: str) -> QuestionType:
    """Returns the type of a question: with a number, else with a word of negation, else neither.

    >>> type_of("Who did not sign in 1905?"), type_of("Who did not sign?"), type_of("Who signed?")
    ('numbers', 'negated', 'rest')
    """
    if _DIGIT.search(question):
        return "numbers"
    return "negated" if _NEGATION.search(question.replace("’", "'")) else "rest"


def types_in(questions: Iterable[str]) -> list[QuestionType]:
    """Returns the types that come among some questions, in their usual order."""
    found = {type_of(question) for question in questions}
    return [one for one in TYPES if one in found]
