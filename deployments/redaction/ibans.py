"""International bank account numbers."""

import re
from collections.abc import Iterator

from deployments.redaction.checksums import passes_mod_97
from deployments.redaction.findings import Finding

# Source: SWIFT IBAN registry, length by country.
_LENGTHS = {
    length: frozenset(countries.split())
    for length, countries in {
        15: "NO",
        16: "BE",
        18: "DK FI FK FO GL NL SD",
        19: "MK SI",
        20: "AT BA EE KZ LT LU MN XK",
        21: "CH CR HR LI LV",
        22: "BG BH DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST",
        26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
        29: "BR EG PS QA UA",
        30: "JO KW MU YE",
        31: "MT SC",
        33: "LC RU",
    }.items()
}
_LENGTH_OF = {country: length for length, group in _LENGTHS.items() for country in group}

_JOINTS = "\r\n \u00a0_-"
"""What may stand between two groups; line ends where the groups are a column."""
# The digit comes first and the letters are looked back at: the engine skips to digits quickly.
_IBAN = re.compile(
    r"(?a:\d(?<=[A-Za-z]{2}\d)(?<![A-Za-z0-9][A-Za-z]{2}\d)\d"
    rf"(?=((?:[{_JOINTS}]{{0,2}}[A-Za-z0-9]){{11,30}}))[{_JOINTS}]{{0,2}}[A-Za-z0-9])"
)


def find_ibans(text: str) -> Iterator[Finding]:
    """Yields account numbers that have their country's length.

    One whose check digits fail is yielded too where it is written in upper case with the country's
    exact length: mistyped, it still tells nearly as much.
    """
    for match in _IBAN.finditer(text):
        start = match.start() - 2
        length = _LENGTH_OF.get(text[start : start + 2].upper())
        end = _end_of(text, start, length) if length else None
        if end is None:
            continue
        written = text[start:end]
        account = re.sub(rf"[{_JOINTS}]", "", written)
        mistyped = (
            "\n" not in written and account.isupper() and sum(map(str.isdigit, account)) >= 10
        )
        if mistyped or passes_mod_97(account.upper()):
            yield Finding(start, end, "IBAN")


def _end_of(text: str, start: int, length: int) -> int | None:
    """Returns the end of `length` letters and digits, None where a word goes on after them."""
    at = start
    for _ in range(length):
        joint_end = at + 2
        while at < min(joint_end, len(text)) and text[at] in _JOINTS:
            at += 1
        if at >= len(text) or not (text[at].isascii() and text[at].isalnum()):
            return None
        at += 1
    ends = at == len(text) or not (text[at].isascii() and text[at].isalnum())
    return at if ends else None
