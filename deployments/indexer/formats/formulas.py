"""Formulas in one line: (a+1)/b, √(x+1), ∑_(i=1)^n x_i. What Word and MathML nest is said by signs
and parentheses, so that a root is no number and a power no factor.

Source: the linear format of Unicode Technical Note 28, Sargent, UnicodeMath, of which this is a
part.
"""

import re
from collections.abc import Sequence

from deployments.indexer.formats.scripts import lowered, raised

MAX_DEPTH = 50
"""What is nested more deeply is read as it comes."""

_ROOTS = {"": "√", "2": "√", "3": "∛", "4": "∜"}
_ONE_TERM = re.compile(r"[\w.,∞°′″!%⁰-₉^]*|\([^()]*\)|\[[^\[\]]*\]")
_ACCENTS = {
    **{"¯": "\u0304", "‾": "\u0304", "ˉ": "\u0304", "_": "\u0332", "^": "\u0302", "ˆ": "\u0302"},
    **{"~": "\u0303", "˜": "\u0303", "→": "\u20d7", "⃗": "\u20d7", "˙": "\u0307", "¨": "\u0308"},
}


def grouped(text: str) -> str:
    """Returns a part of a formula as one term.

    >>> grouped("a"), grouped("a+1"), grouped("(a+1)")
    ('a', '(a+1)', '(a+1)')
    """
    return text if _ONE_TERM.fullmatch(text) else f"({text})"


def fraction(above: str, below: str) -> str:
    """Returns a fraction.

    >>> fraction("a+1", "b")
    '(a+1)/b'
    """
    return f"{grouped(above)}/{grouped(below)}"


def root(body: str, degree: str = "") -> str:
    """Returns a root; those beyond the fourth are powers.

    >>> root("2"), root("x+1", "3"), root("x", "n")
    ('√2', '∛(x+1)', 'x^(1/n)')
    """
    sign = _ROOTS.get(degree)
    return f"{sign}{grouped(body)}" if sign else f"{grouped(body)}^(1/{grouped(degree)})"


def scripts(base: str, below: str = "", above: str = "") -> str:
    """Returns a base with what stands below and above its line.

    >>> scripts("x", "i", "2"), scripts("a+b", above="2"), scripts("∑", "i=1", "n")
    ('x_i^2', '(a+b)^2', '∑_(i=1)^n')
    """
    text = grouped(base) if len(base) > 1 else base
    text += lowered(text, below.strip()) if below.strip() else ""
    return text + (raised(text, above.strip()) if above.strip() else "")


def operator(sign: str, below: str, above: str, body: str) -> str:
    """Returns a sum, an integral or the like over its body.

    >>> operator("∑", "i=1", "n", "i")
    '∑_(i=1)^n i'
    """
    return f"{scripts(sign, below, above)} {body}"


def accented(base: str, accent: str) -> str:
    """Returns a base under a sign; one of several letters has it above its line.

    >>> accented("x", "→") == "x\\u20d7", accented("n", "def")
    (True, 'n^def')
    """
    combining = _ACCENTS.get(accent, accent if "\u0300" <= accent <= "\u036f" else "")
    return f"{base}{combining}" if combining and len(base) == 1 else scripts(base, above=accent)


def matrix(rows: Sequence[Sequence[str]]) -> str:
    """Returns the cells of a matrix.

    >>> matrix([["1", "2"], ["3", "4"]])
    '[1, 2; 3, 4]'
    """
    return f"[{'; '.join(', '.join(row) for row in rows)}]"
