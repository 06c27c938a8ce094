"""Shows the serial number of a date, a time or a duration by the format of its cell."""

import re
from datetime import datetime, timedelta

_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|_.|\*.|\[(?P<elapsed>h+|m+|s+)\]|\[[^\]]*\]'
    r"|(?P<half>AM/PM|A/P)|(?P<field>y+|m+|d+|h+|s+|e+)|(?P<fraction>\.0+)|(?P<sign>.)",
    re.I | re.S,
)
_MONTHS = "January February March April May June July August September October November December"
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"
_UNIT_S = {"h": 3600, "m": 60, "s": 1}
_LEAP_BUG_DAY = 60
"""Serial number of 29 February 1900, which Excel counts although there was none."""

_LAST_DAY = 2_958_466
"""The day after 31 December 9999."""


def has_dates(section: str) -> bool:
    """Returns whether a section of a format writes a date, a time or a duration."""
    matches = _TOKEN.finditer(section)
    return not section.strip().lower().startswith("general") and any(
        match["elapsed"] or match["half"] or (match["field"] and match["field"][0] not in "eE")
        for match in matches
    )


def show_date(value: float, section: str, *, starts_1904: bool) -> str:
    """Returns a serial number by a format; "" where it is no date that Excel can show."""
    if not 0 <= value < _LAST_DAY:
        return ""
    matches = list(_TOKEN.finditer(section))
    places = max((len(match["fraction"]) - 1 for match in matches if match["fraction"]), default=0)
    seconds = round(value * 86_400, min(places, 3))
    if not places:
        seconds = int(seconds)
    moment = _moment(seconds, starts_1904)
    is_half = any(match["half"] for match in matches)
    pieces: list[str] = []
    for index, match in enumerate(matches):
        if match["elapsed"]:
            pieces.append(_elapsed(seconds, match["elapsed"].lower(), matches, index))
        elif match["field"]:
            field = match["field"].lower()
            is_minute = field in ("m", "mm") and _is_minute(matches, index)
            pieces.append(_field("n" * len(field) if is_minute else field, moment, is_half))
        elif match["half"]:
            letters = "AM" if moment.hour < 12 else "PM"
            pieces.append(letters if len(match["half"]) > 3 else letters[0])
        elif match["fraction"]:
            digits = len(match["fraction"]) - 1
            pieces.append("." + f"{moment.microsecond:06d}"[:digits].ljust(digits, "0"))
        else:
            sign = match["sign"] if match["sign"] not in ("@", ";") else ""
            pieces.append(match["quoted"] or match["escaped"] or sign or "")
    return _without_midnight(" ".join("".join(pieces).split()), value, matches)


def _without_midnight(text: str, value: float, matches: list[re.Match[str]]) -> str:
    """Returns a date without a time of zeros, which a format of both shows for a whole day."""
    has_day = any(match["field"] and match["field"][0] in "yYdD" for match in matches)
    return re.sub(r"[ T]0?0:00(:00)?$", "", text) if has_day and value == int(value) else text


def _moment(seconds: float, starts_1904: bool) -> datetime:
    days = seconds / 86_400
    if starts_1904:
        start = datetime(1904, 1, 1)
    elif days < _LEAP_BUG_DAY:
        start = datetime(1899, 12, 31)
    else:
        start = datetime(1899, 12, 30)
    return start + timedelta(seconds=seconds)


def _elapsed(seconds: float, unit: str, matches: list[re.Match[str]], index: int) -> str:
    """Returns how many hours, minutes or seconds went by in all."""
    whole = int(seconds) // _UNIT_S[unit[0]]
    return str(whole).zfill(len(unit))


def _is_minute(matches: list[re.Match[str]], index: int) -> bool:
    """Returns whether an "m" stands for minutes: after hours, or before seconds."""

    def unit(match: re.Match[str]) -> str:
        return (match["elapsed"] or match["field"] or "").lower()[:1]

    before = next((unit(match) for match in reversed(matches[:index]) if unit(match)), "")
    after = next((unit(match) for match in matches[index + 1 :] if unit(match)), "")
    return before == "h" or after == "s"


def _field(field: str, moment: datetime, is_half: bool) -> str:
    months, days = _MONTHS.split(), _DAYS.split()
    hour = (moment.hour % 12 or 12) if is_half else moment.hour
    number = {"d": moment.day, "m": moment.month, "h": hour, "n": moment.minute, "s": moment.second}
    kind, width = field[0], len(field)
    if kind in "ye":
        return f"{moment.year:04d}" if width > 2 or kind == "e" else f"{moment.year % 100:02d}"
    if kind == "m" and width > 2:
        name = months[moment.month - 1]
        return name[:3] if width == 3 else name[0] if width == 5 else name
    if kind == "d" and width > 2:
        name = days[moment.weekday()]
        return name[:3] if width == 3 else name
    return str(number[kind]).zfill(min(width, 2))
