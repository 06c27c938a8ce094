"""One spelling for a character however it is written, so that a list of terms finds it.

Each character is folded by itself, whatever stands around it: a text can be folded as it comes, and
every folded unit knows the character it is from.

Source: Unicode Standard Annex 15 (NFKC and NFKD: two texts have the same composed form exactly
where they have the same decomposed one), Annex 44 (canonical combining classes).
"""

import re
import unicodedata

from deployments.words.invisible import IGNORABLE
from deployments.words.scripts import unspaced_runs

SPACE = ord(" ")
"""What stands for everything that is neither letter nor digit."""

_UNSEEN = re.compile(rf"[{IGNORABLE}]")
_OVERLAY_CLASS = 1
"""Combining class of strokes through a letter."""
_LOOK_ALIKES = dict(
    zip(
        "авсԁеһіјкӏмопрԛгѕтуԝхѵαβγειηκνορτυχω",
        "abcdehijklmonpqrstywxvabyeinkvoptuxw",
        strict=True,
    )
)
"""Small letters of Cyrillic and Greek that look like one of ASCII. Digits and signs are none: a
price or a date would become a word."""


class Folding(dict[str, tuple[int, ...]]):
    """The folded units of each character, as code points; made as characters are met.

    Case and form make no difference, what cannot be seen and strokes through letters are left out,
    and what is neither letter, digit nor mark is a space. A character of a script that puts no
    blanks between words is a word of its own.

    Args:
        look_alikes: Whether letters of other alphabets count as those that they look like.
    """

    def __init__(self, *, look_alikes: bool = False) -> None:
        super().__init__()
        self._look_alikes = look_alikes

    def __missing__(self, character: str) -> tuple[int, ...]:
        folded = tuple(map(ord, self._fold(character)))
        # Bounded by the characters that Unicode has.
        self[character] = folded
        return folded

    def _fold(self, character: str) -> str:
        if _UNSEEN.match(character):
            return ""
        decomposed = unicodedata.normalize("NFKD", character).casefold()
        units = "".join(map(self._unit, unicodedata.normalize("NFKD", decomposed)))
        return f" {units} " if unspaced_runs(character) else units

    def _unit(self, unit: str) -> str:
        kind = unicodedata.category(unit)
        if kind == "Me" or unicodedata.combining(unit) == _OVERLAY_CLASS or _UNSEEN.match(unit):
            return ""
        if not unit.isalnum() and kind[0] != "M":
            return " "
        return _LOOK_ALIKES.get(unit, unit) if self._look_alikes else unit


def folded_words(text: str, folding: Folding) -> str:
    """Returns a text as its folded words, with one space between two of them.

    >>> folded_words("Bad-WORD, ﬁne!", Folding())
    'bad word fine'
    """
    units = "".join(chr(unit) for character in text for unit in folding[character])
    return " ".join(units.split())
