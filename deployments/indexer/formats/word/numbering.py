"""Numbers of Word's paragraphs: "1.2" of a heading, "b)" of an item, as the page shows them.

Word keeps them out of the text, in the definitions of `numbering.xml`; counters run through the
document.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from lxml import etree

from deployments.indexer.formats.numerals import letters, roman
from deployments.indexer.formats.office import attribute, child, local_name

_PLACE = re.compile(r"%([1-9])")
_WRITERS: dict[str, Callable[[int], str]] = {
    "lowerLetter": letters,
    "upperLetter": lambda number: letters(number).upper(),
    "lowerRoman": roman,
    "upperRoman": lambda number: roman(number).upper(),
    "decimalZero": lambda number: f"{number:02d}",
    "none": lambda number: "",
}
_UNNUMBERED = frozenset(("bullet", "none"))
_MAX_LEVEL = 8


@dataclass(frozen=True, slots=True)
class _Level:
    kind: str
    pattern: str
    start: int


@dataclass(slots=True)
class Numbering:
    """The lists of a document; `next` counts one paragraph on."""

    _levels: dict[str, dict[int, _Level]] = field(default_factory=dict)
    """By the number of the list: its levels."""

    _lists: dict[str, str] = field(default_factory=dict)
    """By the number of the list: the definition whose counters it shares."""

    _counts: dict[str, dict[int, int]] = field(default_factory=dict)

    def next(self, number_id: str, level: int) -> str | None:
        """Returns the marker of the next paragraph of a list: "-", "2.1" or "b)".

        None is a paragraph that is in no list.
        """
        levels = self._levels.get(number_id)
        level = max(0, min(level, _MAX_LEVEL))
        if levels is None or level not in levels:
            return None
        own = levels[level]
        if own.kind in _UNNUMBERED:
            return "-" if own.kind == "bullet" else ""
        counts = self._counts.setdefault(self._lists[number_id], {})
        counts[level] = counts.get(level, own.start - 1) + 1
        for deeper in [one for one in counts if one > level]:
            del counts[deeper]

        def place(match: re.Match[str]) -> str:
            at = int(match[1]) - 1
            one = levels.get(at, own)
            return _WRITERS.get(one.kind, str)(counts.get(at, one.start))

        return _PLACE.sub(place, own.pattern).strip()


def read_numbering(root: etree._Element | None) -> Numbering:
    """Returns the lists that `numbering.xml` defines."""
    numbering = Numbering()
    if root is None:
        return numbering
    definitions = {
        attribute(one, "abstractNumId"): _levels(one)
        for one in root
        if local_name(one) == "abstractNum"
    }
    for element in root:
        if local_name(element) == "num":
            number_id = attribute(element, "numId")
            definition = attribute(child(element, "abstractNumId"), "val")
            levels = dict(definitions.get(definition, {}))
            overridden = [one for one in element if local_name(one) == "lvlOverride"]
            for override in overridden:
                _override(levels, override)
            numbering._levels[number_id] = levels
            numbering._lists[number_id] = number_id if overridden else f"abstract {definition}"
    return numbering


def _levels(definition: etree._Element) -> dict[int, _Level]:
    levels: dict[int, _Level] = {}
    for element in definition:
        if local_name(element) == "lvl":
            levels[_integer(attribute(element, "ilvl"))] = _level(element)
    return levels


def _level(element: etree._Element) -> _Level:
    kind = attribute(child(element, "numFmt"), "val", "decimal")
    start = _integer(attribute(child(element, "start"), "val", "1"), 1)
    return _Level(kind, attribute(child(element, "lvlText"), "val")[:64], start)


def _override(levels: dict[int, _Level], override: etree._Element) -> None:
    at = _integer(attribute(override, "ilvl"))
    own = child(override, "lvl")
    if own is not None:
        levels[at] = _level(own)
    start = child(override, "startOverride")
    if start is not None and at in levels:
        old = levels[at]
        levels[at] = _Level(old.kind, old.pattern, _integer(attribute(start, "val"), 1))


def _integer(text: str, default: int = 0) -> int:
    return int(text) if text.removeprefix("-").isdecimal() and len(text) < 8 else default
