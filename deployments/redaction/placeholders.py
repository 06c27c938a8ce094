"""The words that stand for what was taken out, such as `<EMAIL_1>`."""

import re
from collections import Counter
from collections.abc import Iterable

from deployments.redaction.findings import KINDS, Kind

# Six digits at most: a longer number inside the brackets may be data, not a count.
_NUMBERED = re.compile(rf"<({'|'.join(KINDS)})_([1-9]\d{{0,5}})>", re.ASCII)
PLACEHOLDER = re.compile(rf"(<(?:{'|'.join(KINDS)})(?:_[1-9][0-9]{{0,5}})?>)")
"""A placeholder, captured so that `split` keeps it."""

_NUMBERS = frozenset({"PHONE", "CARD", "IBAN", "ACCOUNT", "SSN", "ID", "IMEI", "MAC"})
_LAST_NUMBER = 999_999


def _canonical(kind: Kind, value: str) -> str:
    if kind == "EMAIL":
        return value.casefold()
    if kind in _NUMBERS:
        return "".join(filter(str.isalnum, value)).upper()
    return value


class Numbering:
    """Names the values of one text: equal values get the same number, counted per kind.

    Args:
        present: Placeholders that the text has already; new numbers begin after theirs.
    """

    def __init__(self, present: Iterable[str] = ()) -> None:
        self._last: Counter[str] = Counter()
        self._names: dict[tuple[Kind, str], str] = {}
        self.knows(present)

    def knows(self, present: Iterable[str]) -> None:
        """Has new numbers begin after those of placeholders that a text has already."""
        for placeholder in present:
            numbered = _NUMBERED.fullmatch(placeholder)
            if numbered:
                kind, number = numbered.groups()
                self._last[kind] = max(self._last[kind], int(number))

    def name(self, kind: Kind, value: str) -> str:
        """Returns the placeholder of a value.

        The case of an e-mail address and the separators of a number make no difference.
        """
        key = (kind, _canonical(kind, value))
        known = self._names.get(key)
        if known is None:
            self._last[kind] = min(self._last[kind] + 1, _LAST_NUMBER)
            known = self._names[key] = f"<{kind}_{self._last[kind]}>"
        return known
