"""What a question names that a text has or has not: codes, numbers, quoted phrases.

Two records of one template differ in nothing else, so that whoever orders passages or picks
sentences has to look at these first.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from deployments.words.folding import fold
from deployments.words.identifiers import cased_names, identifiers
from deployments.words.joined import with_group_commas
from deployments.words.quotes import quoted
from deployments.words.searchable import searchable

_NUMBER = re.compile(r"(?<![\w.,])\d+(?:,\d{3})*(?![\w]|[.,]\d)")
_MANY = re.compile(r"\d+")
_LETTERS = re.compile(r"[^\W\d_]+")
_SUFFIX = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,4}$")


@dataclass(frozen=True)
class Held:
    """What a text has that can be named.

    Attributes:
        codes: Codes, and stop words that are spelled as names.
        numbers: Numbers that are no part of a code, in digits.
    """

    codes: frozenset[str]
    numbers: frozenset[str]

    @cached_property
    def shapes(self) -> frozenset[str]:
        """The forms of its codes, and of its numbers from three digits on."""
        return frozenset(map(shape, (*self.codes, *(one for one in self.numbers if len(one) > 2))))


@dataclass(frozen=True)
class Named:
    """What a question names.

    Attributes:
        codes: As of `Held`.
        numbers: As of `Held`.
        phrases: Quoted phrases, as words with a blank on each side.
    """

    codes: frozenset[str]
    numbers: frozenset[str]
    phrases: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.codes or self.numbers or self.phrases)


def named_in(question: str) -> Named:
    """Returns what a question names."""
    held = held_by(question)
    phrases = (" ".join(searchable(phrase).split()) for phrase in quoted(question))
    return Named(held.codes, held.numbers, tuple(f" {phrase} " for phrase in phrases if phrase))


def held_by(text: str) -> Held:
    """Returns what a text has."""
    codes = frozenset((*identifiers(text), *cased_names(text)))
    found = _NUMBER.findall(fold(with_group_commas(text)))
    numbers = frozenset(number.replace(",", "") for number in found)
    return Held(codes, numbers)


def held_by_path(path: str) -> frozenset[str]:
    """Returns the codes in the name of a document, of which an ending is no part."""
    parts = [_SUFFIX.sub("", part) for part in re.split(r"[/\\]", path)]
    return frozenset(code for part in parts for code in (*identifiers(part), fold(part)) if code)


def holds_phrase(phrase: str, text: str) -> bool:
    """Returns whether a text has a phrase of `Named`, word for word."""
    return phrase in f" {' '.join(searchable(text).split())} "


def conflicts(missing: Iterable[str], held: Held) -> bool:
    """Returns whether a text names something else of the same form as what it lacks, such as
    another date."""
    return any(shape(one) in held.shapes for one in missing)


def shape(code: str) -> str:
    """Returns the form of a code: which of its parts are letters and which digits.

    >>> shape("ab-34-12"), shape("2024-11-03")
    ('a-9-9', '9-9-9')
    """
    if code.isdigit():
        return "9" * len(code)
    return _LETTERS.sub("a", _MANY.sub("9", code))
