"""Joins the words that were broken at the end of a line.

Whether the hyphen belongs to the word is seen elsewhere in the same document; where the word is
nowhere else, a small letter after the break says that it was broken.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

_BROKEN = re.compile(
    r"(?P<before>[^\W\d_]+(?:-[^\W\d_]+)*)(?:[\x02\ufffe\u00ad](?:\r?\n)?|[-‐][ \t]*\r?\n[ \t]*)"
    r"(?P<after>\w+)"
)
_BREAK = re.compile(r"[\x02\ufffe\u00ad](?:\r?\n)?(?=\S)")
_MARKS = re.compile(r"[\x02\ufffe]|[-‐\u00ad][ \t]*\r?\n")
_WORD = re.compile(r"\w+(?:-\w+)*")
_WITH_HYPHEN = frozenset(("self", "well", "half", "long", "quasi", "cross"))
"""What is written with a hyphen before most words; no word is broken after its first letter."""


def join_broken_words(pages: Sequence[str]) -> list[str]:
    """Returns the texts of pages with the words whole that lines have broken."""
    if not any(_MARKS.search(page) for page in pages):
        return list(pages)
    known: set[str] = set()
    for page in pages:
        for word in _WORD.findall(_MARKS.sub("\n", page)):
            known.add(word.casefold())
            parts = word.casefold().split("-")
            known.update(f"{one}-{two}" for one, two in pairwise(parts))

    def join(match: re.Match[str]) -> str:
        before, after = match["before"], match["after"]
        whole, hyphened = f"{before}{after}", f"{before}-{after}"
        if whole.casefold() in known:
            return whole
        is_prefix = before.casefold() in _WITH_HYPHEN or len(before.rpartition("-")[2]) == 1
        if hyphened.casefold() in known or is_prefix:
            return hyphened
        return whole if after[0].islower() else hyphened

    # Twice, for a long word that goes over three lines.
    return [_BREAK.sub("-", _BROKEN.sub(join, _BROKEN.sub(join, page))) for page in pages]
