"""Phone, card, social security and device numbers.

One pass finds runs with the digits that any of these needs; only those runs are looked at closely,
so that prose with its years and prices costs one pass. Every repetition is bounded, and a number
may begin at any group of a run: what stands before a card number must not hide it.
"""

import re
from collections.abc import Callable, Iterator

from deployments.redaction.checksums import digits_of, passes_luhn
from deployments.redaction.findings import Finding, Kind

# Spaces of print, hyphens and dashes: what word processors put between groups of digits.
_SPACE = r" \u00a0\u2007\u2009\u202f"
_DASH = r"\-\u2010-\u2015\u2212"
_SEPARATOR = rf"[{_SPACE}{_DASH}.()/\t_\r\n]"
_LINE_ENDS = ("\r", "\n")
"""Groups in a column, as the pages of a PDF give them: any numbers may stand so."""
_RUN = re.compile(rf"\d(?:{_SEPARATOR}{{0,3}}+\d){{6,}}+")
_ALONE = r"(?<![^\W_])(?<![.$€£¥])"
_END = r"(?![^\W_])(?!\.\d)"

# Source: ISO/IEC 7812 issuer ranges of Visa, Mastercard, American Express, Diners, Discover, JCB,
# UnionPay and Maestro, by the number of digits.
_ISSUERS = {
    13: re.compile("4"),
    14: re.compile("3[0689]"),
    15: re.compile("3[47]|1800|2131"),
    16: re.compile("4|5[0-8]|2[2-7]|6|3[05-9]"),
    17: re.compile("5[0678]|6"),
    18: re.compile("5[0678]|6"),
    19: re.compile("4|5[0678]|6"),
}

_JOINT = rf"[{_SPACE}{_DASH}._]|\r?\n"
_CARD_GROUPS = re.compile(
    rf"{_ALONE}(?=((\d{{4}}({_JOINT})\d{{4}}\3\d{{4}}\3\d{{1,4}})(?:\3\d{{1,3}})?"
    rf"|\d{{4}}({_JOINT})\d{{6}}\4\d{{4,6}}){_END})\d{{4}}"
)
_GLUED = re.compile(rf"{_ALONE}\d{{15,16}}(?=[^\W\d_])")
_BARE = re.compile(rf"{_ALONE}\d{{10,19}}{_END}")
_SSN = re.compile(rf"(?<![^\W_])(?<![.\-])\d{{3}}([ {_DASH}])\d\d\1\d{{4}}(?![^\W_]|-\d)")
_IMEI = re.compile(rf"(?<![^\W_])\d\d([ {_DASH}])\d{{6}}\1\d{{6}}\1\d{_END}")

_INTERNATIONAL = re.compile(
    rf"(?<![\w+])(?:\+|\(\+|\uff0b)\d(?:{_SEPARATOR}{{0,3}}\d){{6,14}}(?!\d)"
    rf"|(?<![\w.,/])00[1-9]\d{{0,2}}(?:{_SEPARATOR}{{1,3}}\d{{1,8}}){{2,5}}(?!\d)"
)
_EXTENSION = re.compile(r"[ ,]{0,2}(?:x|ext\.?) ?\d{1,6}")
_NORTH_AMERICAN = re.compile(
    rf"(?<![\w.$€£,])(?<!\d[{_DASH}/])(?:1[ .{_DASH}])?"
    rf"(?:\([2-9]\d\d\)[{_SPACE}{_DASH}.]?|[2-9]\d\d[{_SPACE}{_DASH}./])"
    rf"[2-9]\d\d[{_SPACE}{_DASH}.]\d{{4}}(?:{_EXTENSION.pattern})?(?!\w|[.-]\d)"
)
_TRUNK = re.compile(
    rf"(?<![\w.,:/$€£])(?<!\d[{_DASH}])(?:\(0[1-9]\d{{0,4}}\)|0[1-9]\d{{0,4}})"
    rf"(?:[{_SPACE}{_DASH}/.]{{1,3}}\d{{2,8}}){{1,5}}(?!\w|[.:]\d)"
)
_INDIAN = re.compile(rf"(?<![\w.,/{_DASH}])[6-9]\d{{4}}[{_SPACE}{_DASH}]\d{{5}}(?!\w|[.{_DASH}]\d)")
_DATE = re.compile(
    r"\d\d/\d{4}(?!\d)|\d{1,2}([./\- ])\d{1,2}\1\d{4}(?!\d)|\d{4}([./\- ])\d{1,2}\2\d{1,2}(?!\d)"
)


def _is_card(written: str) -> bool:
    """A number of 16 digits from an issuer's range goes even where its check digit is wrong:
    mistyped, it still tells nearly all of the card."""
    digits = digits_of(written)
    issuers = _ISSUERS.get(len(digits))
    if issuers is None or not issuers.match(digits) or len(set(digits)) == 1:
        return False
    is_column = any(end in written for end in _LINE_ENDS)
    return (len(digits) == 16 and not is_column) or passes_luhn(digits)


def _is_ssn(written: str) -> bool:
    """Source: Social Security Administration, numbers never assigned; 9xx is the range of ITINs."""
    area, group, serial = written[:3], written[4:6], written[7:]
    return area not in ("000", "666") and group != "00" and serial != "0000"


def _is_phone_length(written: str) -> bool:
    return 8 <= len(digits_of(written)) <= 15 and not _DATE.match(written.lstrip("+("))


def _is_trunk_call(written: str) -> bool:
    return 9 <= len(digits_of(written)) <= 12 and not _DATE.match(written)


def _always(written: str) -> bool:
    return True


def _kind_of_bare(digits: str) -> Kind | None:
    """Returns what a number without separators is, None for one that says nothing by itself."""
    length = len(digits)
    if digits.startswith("00") and digits[2] != "0" and 12 <= length <= 15:
        return "PHONE"
    if length >= 13:
        if _is_card(digits):
            return "CARD"
        return "IMEI" if length == 15 and digits[0] in "35" and passes_luhn(digits) else None
    if digits.startswith("0") and length >= 10:
        return "PHONE" if digits.strip("0") else None
    if length == 12 or _is_quantity(int(digits)):
        return None
    american = digits[-10] > "1" and digits[-7] > "1"
    if american and digits[:-10] in ("", "1"):
        return "PHONE"
    return "ID" if length == 11 else None


def _is_quantity(value: int) -> bool:
    """Round numbers and sizes in bytes have ten digits too: 2**32, 2**31 - 1, 4000000000."""
    return value % 10**4 == 0 or value % 2**20 in (0, 2**20 - 1)


_SHAPES: tuple[tuple[Kind, re.Pattern[str], Callable[[str], bool]], ...] = (
    ("PHONE", _INTERNATIONAL, _is_phone_length),
    ("PHONE", _NORTH_AMERICAN, _always),
    ("PHONE", _TRUNK, _is_trunk_call),
    ("PHONE", _INDIAN, _always),
    ("SSN", _SSN, _is_ssn),
    ("IMEI", _IMEI, _always),
)


def find_numbers(text: str) -> Iterator[Finding]:
    """Yields phone, card, social security and device numbers, and identity numbers of 11 digits."""
    for run in _RUN.finditer(text):
        # A sign and a bracket may stand before the first digit. One character more than the
        # number shows a pattern that it ends there.
        extension = _EXTENSION.match(text, run.end())
        end = (extension or run).end() + 1
        start = max(0, run.start() - 2)
        yield from _find_in_run(text, start, end)


def _find_in_run(text: str, start: int, end: int) -> Iterator[Finding]:
    for match in _BARE.finditer(text, start, end):
        bare = _kind_of_bare(digits_of(match.group()))
        if bare is not None:
            yield Finding(match.start(), match.end(), bare)
    for match in _GLUED.finditer(text, start, end):
        if _is_card(match.group()) and passes_luhn(match.group()):
            yield Finding(match.start(), match.end(), "CARD")
    for kind, pattern, accepts in _SHAPES:
        for match in pattern.finditer(text, start, end):
            if accepts(match.group()):
                yield Finding(match.start(), match.end(), kind)
    for match in _CARD_GROUPS.finditer(text, start, end):
        # What follows the four groups may be the rest of a long number, or an expiry date.
        for group in (1, 2):
            if match.group(group) and _is_card(match.group(group)):
                yield Finding(match.start(), match.end(group), "CARD")
                break
