"""Questions of several parts: two questions in one, and two things that are to be compared."""

import re

from deployments.generator.extractive.reading.analysis import Sentence, analyse_sentence

_ENDS = re.compile(r"(?<=[?？])\s+")
_SECOND = re.compile(
    r"(?:,|;)\s+(?:and|or)?\s*(?=(?:how|what|when|where|which|who|why|whose|is|are|do|does|can|"
    r"should)\b)|\s+and\s+(?=(?:how|what|when|where|why|who)\s+(?:do|does|did|is|are|was|were|can|"
    r"should|many|much|long|large|often)\b)",
    re.IGNORECASE,
)
_LEAD = re.compile(r"^(?:and|or|also|then|so)\s+", re.IGNORECASE)
_MAX_PARTS = 4
_MIN_TERMS = 1
_SIDES = (
    re.compile(r"\bdifferences? (?:is )?(?:there )?between (?P<a>.+?) and (?P<b>.+)", re.I),
    re.compile(r"\b(?:compare|comparison of) (?P<a>.+?) (?:and|with|to|against) (?P<b>.+)", re.I),
    re.compile(r"\bhow (?:does|do|is|are) (?P<a>.+?) (?:differ|different) from (?P<b>.+)", re.I),
    re.compile(r"\bhow (?:does|do) (?P<a>.+?) and (?P<b>.+?) (?:differ|compare)\b", re.I),
    re.compile(r"(?P<a>.+?)\b(?:versus|vs\.?|compared (?:to|with))\s+(?P<b>.+)", re.I),
    re.compile(
        r"^(?:is|are|does|do|should|which is (?:better|faster)[,:]?)\s+(?P<a>.+?) or (?P<b>.+?)"
        r"(?: (?:better|faster|slower|cheaper|safer|preferred)\b|[?,]|$)",
        re.I,
    ),
)


def parts_of(question: str) -> list[str]:
    """Returns the questions that a text asks, in their order; one for most.

    >>> parts_of("What is a lease? And how long does it last?")
    ['What is a lease?', 'how long does it last?']
    """
    sentences = [part for part in _ENDS.split(question.strip()) if part.strip()]
    found = [_LEAD.sub("", part.strip()) for one in sentences for part in _split(one)]
    if len(found) < 2:
        return [question]
    asked = [part for part in found if len(analyse_sentence(part).terms) >= _MIN_TERMS]
    return asked[:_MAX_PARTS] if len(asked) > 1 else [question]


def _split(sentence: str) -> list[str]:
    if not re.match(
        r"(?:how|what|when|where|which|who|why|is|are|do|does|can|should)\b", sentence, re.I
    ):
        return [sentence]
    return [part for part in _SECOND.split(sentence) if part.strip()]


def sides_of(question: Sentence) -> tuple[frozenset[str], frozenset[str]] | None:
    """Returns the terms that each of two compared things has for itself; None where a question
    compares nothing."""
    for pattern in _SIDES:
        if match := pattern.search(question.text):
            one, other = (analyse_sentence(match[side]).terms for side in ("a", "b"))
            if one - other and other - one:
                return one - other, other - one
    return None


def share(terms: frozenset[str], wanted: frozenset[str]) -> float:
    """Returns the share of what is wanted that some terms have."""
    return len(terms & wanted) / len(wanted)
