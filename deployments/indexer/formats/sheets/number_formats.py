"""Shows the number of a cell as its sheet does: 0.155 as 15.5%, 123 as 00123, 45000 as a date.

Source: ECMA-376, part 1, 18.8.30 and 18.8.31 (numFmt, numFmts). Short dates, which Excel shows in
the way of the reader's country, are written as ISO dates.
"""

import math
import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from typing import Final

from deployments.indexer.formats.sheets.dates import has_dates, show_date

GENERAL: Final = "General"

BUILT_IN: Final = {
    **{0: GENERAL, 1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%"},
    **{11: "0.00E+00", 12: "# ?/?", 13: "# ??/??", 14: "yyyy-mm-dd", 15: "d-mmm-yy", 16: "d-mmm"},
    **{17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss"},
    **{22: "yyyy-mm-dd h:mm", 37: "#,##0_);(#,##0)", 38: "#,##0_);(#,##0)"},
    **{39: "#,##0.00_);(#,##0.00)", 40: "#,##0.00_);(#,##0.00)", 45: "mm:ss", 46: "[h]:mm:ss"},
    **{47: "mm:ss.0", 48: "##0.0E+0", 49: "@"},
    **dict.fromkeys((27, 28, 29, 30, 31, 36, 50, 51, 52, 53, 54, 57, 58), "yyyy-mm-dd"),
    **dict.fromkeys((32, 33, 34, 35, 55, 56), "h:mm:ss"),
}
"""Formats that a workbook names by number without saying what they are."""

_MAX_FORMAT_CHARS = 255
_EXACT = Context(prec=700)
"""For the largest number with as many decimals as a format may have."""
_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|_(?P<space>.)|\*(?P<fill>.)'
    r"|\[\$(?P<currency>[^\]-]*)[^\]]*\]|\[(?P<bracket>[^\]]*)\]"
    r"|(?P<digits>[0#?][0#?,.]*|\.[0#?]+)|(?P<exponent>[Ee][+-]0*)|(?P<sign>.)",
    re.S,
)
_CONDITION = re.compile(r"\[(<=|>=|<>|<|>|=)(-?\d+(?:\.\d+)?)\]")
_SECTION = re.compile(r'(?:"[^"]*"|\\.|[^;"\\]|["\\])*', re.S)
_FRACTION = re.compile(r"([#0?]+\s+)?([#0?]+)\s*/\s*([#0?]+|\d+)")


@dataclass(frozen=True, slots=True)
class _Pattern:
    before: str
    digits: str
    exponent: str
    after: str
    percents: int
    between: tuple[tuple[int, str], ...]
    """Signs among the digits, each with the digits that come before it."""


def show_number(value: float, code: str, *, starts_1904: bool = False) -> str:
    """Returns a number as a cell with this format shows it."""
    if not math.isfinite(value):
        return show_general(value)
    section, shown = _choose(value, code[:_MAX_FORMAT_CHARS])
    if has_dates(section):
        return show_date(value, section, starts_1904=starts_1904) or show_general(value)
    if not section.strip() or section.strip().lower() == "general" or "@" in section:
        return show_general(value)
    if fraction := _FRACTION.search(section):
        return _show_fraction(shown, fraction)
    pattern = _parse(section)
    if not pattern.digits:
        return _tidy(pattern.before + pattern.after) or show_general(value)
    return _tidy(_show(shown, pattern))


def show_general(value: float) -> str:
    """Returns a number without a format: at most 15 digits, no trailing zeros.

    >>> show_general(7.0), show_general(0.1 + 0.2), show_general(12345678901234.0)
    ('7', '0.3', '12345678901234')
    """
    if not math.isfinite(value):
        return str(value)
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.11g}".replace("e", "E")


def show_text(text: str, code: str) -> str:
    """Returns a text as a cell with this format shows it: some add words around it."""
    sections = _sections(code[:_MAX_FORMAT_CHARS])
    section = sections[3] if len(sections) > 3 else sections[0] if len(sections) == 1 else ""
    if "@" not in section or section == "@":
        return text
    pieces = (
        text if match["sign"] == "@" else match["quoted"] or match["escaped"] or match["sign"] or ""
        for match in _TOKEN.finditer(section)
    )
    return _tidy("".join(pieces))


def _choose(value: float, code: str) -> tuple[str, float]:
    """Returns the section of a format that holds for a value, and the number to write with it."""
    sections = _sections(code)
    conditions = [_CONDITION.search(section) for section in sections[:2]]
    if any(conditions):
        for section, condition in zip(sections, conditions, strict=False):
            if condition is None or _holds(value, condition[1], float(condition[2])):
                return section, value
        return sections[min(2, len(sections) - 1)], value
    if value < 0 and len(sections) > 1:
        return sections[1], -value
    if value == 0 and len(sections) > 2:
        return sections[2], value
    return sections[0], value


@lru_cache(maxsize=1024)
def _sections(code: str) -> list[str]:
    sections: list[str] = []
    position = 0
    while position <= len(code):
        match = _SECTION.match(code, position)
        end = match.end() if match else len(code)
        sections.append(code[position:end])
        position = end + 1
    return sections


def _holds(value: float, operator: str, bound: float) -> bool:
    below, same = value < bound, value == bound
    results = {"<": below, "<=": below or same, ">": not (below or same), ">=": not below}
    return {**results, "=": same, "<>": not same}[operator]


@lru_cache(maxsize=1024)
def _parse(section: str) -> _Pattern:
    """Returns what stands before the digits of a format, the digits, and what stands after."""
    before, after, digits, exponent = "", "", "", ""
    percents = 0
    between: list[tuple[int, str]] = []
    for match in _TOKEN.finditer(section):
        literal = match["quoted"] or match["escaped"] or match["currency"] or match["sign"] or ""
        if match["space"]:
            literal = " "
        if match["digits"] and not exponent:
            if after:
                between.append((len(digits), after))
                after = ""
            digits += match["digits"]
        elif match["exponent"]:
            exponent = match["exponent"]
        elif digits:
            after += literal
        else:
            before += literal
        percents += match["sign"] == "%"
    return _Pattern(before, digits, exponent, after, percents, tuple(between))


def _show(value: float, pattern: _Pattern) -> str:
    digits = pattern.digits.rstrip(",")
    scale = len(pattern.digits) - len(digits)
    whole, _, places = digits.partition(".")
    value = value * 100**pattern.percents / 1000**scale
    least_places, most_places = _zeros(places), len(places.replace(",", ""))
    suffix = ""
    if pattern.exponent:
        mantissa, _, power = f"{value:.{most_places}e}".partition("e")
        width = pattern.exponent.count("0")
        sign = "-" if power[0] == "-" else "+" if "+" in pattern.exponent else ""
        value, suffix = float(mantissa), f"E{sign}{power[1:].lstrip('0').zfill(width)}"
    text = _rounded(abs(value), most_places)
    integer, _, decimals = text.partition(".")
    while len(decimals) > least_places and decimals.endswith("0"):
        decimals = decimals[:-1]
    integer = (
        integer.lstrip("0").zfill(_zeros(whole)) if integer.strip("0") else "0" * _zeros(whole)
    )
    if "," in whole:
        integer = _grouped(integer)
    width = len(integer)
    for position, literal in reversed(pattern.between):
        at = max(0, width - (len(whole) - position))
        integer = integer[:at] + literal + integer[at:]
    sign = "-" if value < 0 and float(text) != 0 else ""
    dot = "." if decimals else ""
    return f"{sign}{pattern.before}{integer}{dot}{decimals}{suffix}{pattern.after}"


def _rounded(value: float, places: int) -> str:
    """Returns a number with so many decimals, as spreadsheets round: a half goes up, and what has
    15 digits is exact, so that 2.675 is 2.68."""
    exact = Decimal(f"{value:.15g}")
    step = Decimal(1).scaleb(-places)
    return f"{exact.quantize(step, rounding=ROUND_HALF_UP, context=_EXACT):f}"


def _zeros(placeholders: str) -> int:
    """Returns how many digits a pattern always shows: from its outermost zero on."""
    return placeholders.count("0")


def _grouped(integer: str) -> str:
    head = len(integer) % 3
    groups = [integer[:head]] if head else []
    return ",".join([*groups, *(integer[at : at + 3] for at in range(head, len(integer), 3))])


def _show_fraction(value: float, pattern: re.Match[str]) -> str:
    from fractions import Fraction

    whole_part, _, below = pattern.groups()
    if below.isdecimal() and below.strip("0"):
        exact = Fraction(round(value * int(below)), int(below))
    else:
        exact = Fraction(value).limit_denominator(10 ** min(len(below), 4) - 1)
    sign, exact = ("-", -exact) if exact < 0 else ("", exact)
    whole, rest = divmod(exact, 1) if whole_part else (0, exact)
    if rest == 0:
        return f"{sign}{whole}" if whole_part else f"{sign}{exact.numerator}/1"
    return f"{sign}{whole} {rest}" if whole else f"{sign}{rest}"


def _tidy(text: str) -> str:
    return " ".join(text.split())
