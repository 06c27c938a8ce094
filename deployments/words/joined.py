"""Words that some write in one and others with marks between: `email` and `e-mail`, `USA` and
`U.S.A.`, `1000000` and `1,000,000`, `nodejs` and `Node.js`, `do not` and `don't`.

A mark that may as well part two words leaves them apart, and they are written in one beside: a
list of numbers looks like a large one, and `read-only` is found by `only`.
"""

import re
from collections.abc import Mapping

_JOINT = re.compile(r"[-'’.,_\u2010]")
_GROUP_BLANK = re.compile("(?<=\\d)[\u00a0\u2009\u202f](?=\\d{3}(?!\\d))")
"""Between the thousands of a number; elsewhere it is a blank."""
_NOT = re.compile(
    r"\b(?:([a-z]+)n['’]t|(do|does|did|is|are|was|were|ca|wo|would|could|should|has|have|had)nt|cannot)\b"
)
_VERBS: Mapping[str | None, str] = {None: "can", "ca": "can", "wo": "will", "sha": "shall"}
_ENDING = re.compile(r"(?<=[a-z])['’](?:s|ll|re|ve|d|m)\b")
_INITIALS = re.compile(r"(?<![\w.])(?:[a-z]\.){2,}(?:[a-z](?!\w))?")
_GROUPED = re.compile(
    r"(?<![\w.,'’])(?:\d{1,3}(?:([,'’_])\d{3})(?:\1\d{3})*|\d{1,3}(?:\.\d{3}){2})(?![\w,'’])(?!\.\d)"
)
_LETTERS = r"[^\W\d_\u0530-\U0010ffff]+"
"""Latin, Greek and Cyrillic ones: other scripts have no such compounds."""
_COMPOUND = re.compile(rf"(?<![\w-])({_LETTERS})[-\u2010]({_LETTERS})(?![\w-])")
_DOTTED = re.compile(r"(?<![\w.])([a-z]+)\.(js|net)\b")


def with_group_commas(text: str) -> str:
    """Returns a text, not folded yet, with commas for the special blanks between thousands."""
    return text if text.isascii() else _GROUP_BLANK.sub(",", text)


def with_joined(text: str) -> str:
    """Returns a folded text with what is one word in one, and what may be one in both ways.

    >>> with_joined("don't e-mail the u.s.a.'s 1,000 users")
    'do not e-mail email the usa  1,000 1000 users'
    """
    text = _NOT.sub(_apart, text)
    if not _JOINT.search(text):
        return text
    if "." in text:
        text = _INITIALS.sub(_without_points, text)
        text = _DOTTED.sub(r"\g<0> \1\2", text)
    text = _ENDING.sub(" ", text)
    text = _GROUPED.sub(_with_digits, text)
    return _COMPOUND.sub(r"\g<0> \1\2", text)


def _apart(match: re.Match[str]) -> str:
    verb = match[1] or match[2]
    return f"{_VERBS.get(verb, verb)} not"


def _without_points(match: re.Match[str]) -> str:
    joined = match.group().replace(".", "")
    return f"{joined} " if match.string[match.end() : match.end() + 1].isalnum() else joined


def _with_digits(match: re.Match[str]) -> str:
    return f"{match.group()} {re.sub(r'[^0-9]', '', match.group())}"
