"""What kind of answer a question expects, and whether a sentence has one of that kind to offer."""

import re
from typing import Literal

from deployments.generator.extractive.reading.analysis import Sentence

AnswerType = Literal["number", "time", "name", "reason", "identifier"]

_PATTERNS: tuple[tuple[AnswerType, re.Pattern[str]], ...] = (
    (
        "number",
        re.compile(
            r"\bhow (?:many|much|long|old|tall|high|far|large|big|fast|often|deep|wide|heavy)\b"
            r"|\bpercentage\b|\b(?:what|which) (?:number|amount|population)\b"
        ),
    ),
    (
        "time",
        re.compile(r"\bwhen\b|\b(?:what|which) (?:year|date|day|month|century|decade)\b"),
    ),
    (
        "name",
        re.compile(
            r"\bwho\b|\bwhom\b|\bwhose\b|\b(?:what|which) (?:country|city|continent|nationality)\b"
        ),
    ),
    ("reason", re.compile(r"\bwhy\b")),
    (
        "identifier",
        re.compile(
            r"\b(?:which|what) (?:\w+ ){0,3}?(?:option|flag|switch|parameter|argument|setting|"
            r"header|variable|command|field|function|method|class|middleware)\b"
        ),
    ),
)
"""The first that fits decides."""

_IDENTIFIER = re.compile(
    r"--?[a-z][\w-]+|\w_\w|\b[A-Z][A-Za-z]*-[A-Z]\w+|\w=\S|\w\(|\b[a-z]+[A-Z]\w+|\b[A-Z][a-z]+[A-Z]\w+"
)
_NUMBER_WORDS = frozenset(
    """one two three four five six seven eight nine ten eleven twelve thirteen fifteen sixteen
    twenty thirty forty fifty sixty eighty ninety hundred hundreds thousand thousands million
    millions billion billions dozen dozens half third quarter twice once double single both no none
    unlimited never always every""".split()  # noqa: SIM905
)
_TIME_WORDS = frozenset(
    """january february march april may june july august september october november december
    monday tuesday wednesday thursday friday saturday sunday century centuries decade decades year
    years month months week weeks day days hour hours today spring summer autumn winter when after
    before until once during since while if as""".split()  # noqa: SIM905
)
"""A time may also be said by what happens then."""

_REASON_WORDS = frozenset(
    "as because due for hence since so that therefore thus to".split()  # noqa: SIM905
)


def expected_type(question: Sentence) -> AnswerType | None:
    """Returns the kind of answer that the question's own words ask for; None where they leave it
    open, as `what` and `how` do."""
    text = " ".join(question.words)
    return next((kind for kind, pattern in _PATTERNS if pattern.search(text)), None)


def offers(kind: AnswerType, sentence: Sentence, question: Sentence) -> bool:
    """Returns whether the sentence has words of that kind that the question did not bring."""
    words = frozenset(sentence.words).difference(question.words)
    match kind:
        case "number":
            return bool(sentence.numbers - question.numbers or words & _NUMBER_WORDS)
        case "time":
            return bool(sentence.numbers - question.numbers or words & _TIME_WORDS)
        case "name":
            # A name at the start of a sentence cannot be told from any other first word.
            first = frozenset(term for term, place in sentence.sequence[:1] if place == 0)
            return bool((sentence.names | first) - question.terms)
        case "identifier":
            return _IDENTIFIER.search(sentence.text) is not None
        case "reason":
            return bool(words & _REASON_WORDS)
