"""Superscripts and subscripts as plain text: kept apart from what they are raised from.

"10" with a raised "6" must not become 106. A power is written 10^6, an index of letters x_i, and
digits below the line have characters of their own: CO₂.
"""

import re

_LOWERED = str.maketrans("0123456789+-−=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎")
_ORDINALS = frozenset(
    (
        "st",
        "nd",
        "rd",
        "th",
        "er",
        "re",
        "e",
        "ère",
        "ème",
        "o",
        "a",
        "º",
        "ª",
        "os",
        "as",
        "de",
        "te",
    )
)
_MARKS = frozenset(("TM", "tm", "SM", "®", "©", "℠", "™"))
_ONE_TERM = re.compile(r"[+\-−±]?[\w.,*′'°]+|\W")


def raised(before: str, content: str) -> str:
    """Returns a superscript as it is written after some text.

    >>> "10" + raised("10", "6"), "x" + raised("x", "n+1"), "1" + raised("1", "st")
    ('10^6', 'x^(n+1)', '1st')
    """
    text = content.strip()
    if not text or content[0].isspace() or not before[-1:].strip():
        return content
    is_ordinal = before[-1].isdigit() and text in _ORDINALS
    if is_ordinal or text in _MARKS or text[0] in "[(^*†‡":
        return text
    return f"^{text}" if _ONE_TERM.fullmatch(text) else f"^({text})"


def lowered(before: str, content: str) -> str:
    """Returns a subscript as it is written after some text.

    >>> "CO" + lowered("CO", "2"), "V" + lowered("V", "max")
    ('CO₂', 'V_max')
    """
    text = content.strip()
    if not text or content[0].isspace() or not before[-1:].strip():
        return content
    small = text.translate(_LOWERED)
    if not any(character in text for character in small):
        return small
    return f"_{text}" if _ONE_TERM.fullmatch(text) else f"_({text})"
