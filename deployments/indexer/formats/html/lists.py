"""How the items of a list of a web page are marked: with a dash, a number or a letter."""

from collections.abc import Callable, Mapping

from deployments.indexer.formats.numerals import letters, roman

_NUMBERING: Mapping[str, Callable[[int], str]] = {
    "a": letters,
    "A": lambda number: letters(number).upper(),
    "i": roman,
    "I": lambda number: roman(number).upper(),
}

Attributes = Mapping[str, str | None]


class ListMarkers:
    """The markers of one list, item by item: counting goes on from the item before, backwards from
    the count of items where the list says so."""

    def __init__(self, tag: str, attributes: Attributes, item_count: int = 0) -> None:
        self._is_ordered = tag == "ol"
        self._step = -1 if "reversed" in attributes else 1
        self._number = integer(attributes.get("start"), 1 if self._step > 0 else item_count)
        self._write = _NUMBERING.get(attributes.get("type") or "", str)

    def next(self, item: Attributes) -> str:
        """Returns the marker of the next item: "-", "3." or "b."."""
        if not self._is_ordered:
            return "-"
        self._number = integer(item.get("value"), self._number)
        marker = f"{self._write(self._number)}."
        self._number += self._step
        return marker


def integer(text: str | None, default: int) -> int:
    """Returns the small integer that an attribute says; the default where it says none."""
    digits = (text or "").strip()
    return int(digits) if digits.removeprefix("-").isdecimal() and len(digits) < 8 else default
