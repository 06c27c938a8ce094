"""How many characters a regular expression can match at most: what a stream must hold back for it.

Source: the syntax of RE2, github.com/google/re2/wiki/Syntax.
"""

import re
from typing import Final

_ESCAPE = re.compile(
    r"\\(?:(?P<quote>Q)(?P<quoted>.*?)(?:\\E|$)|(?P<nothing>[bB])|(?P<anchor>[AzC])"
    r"|[pP](?:\{[^}]*\}|.)|x(?:\{[0-9A-Fa-f]+\}|[0-9A-Fa-f]{2})|[0-7]{1,3}|.)",
    re.DOTALL,
)
_CLASS = re.compile(
    r"\[\^?\]?(?:\[:\^?\w+:\]|\\[pP]\{[^}]*\}|\\x\{[^}]*\}|\\.|[^\]\\])*\]", re.DOTALL
)
_GROUP = re.compile(r"\((?:\?(?:P?<\w+>|[imsU-]*(?P<end>[:)])))?")
_REPEAT = re.compile(r"(?:(?P<endless>[*+])|\?|\{(?P<least>\d+)(?P<comma>,)?(?P<most>\d+)?\})\??")
MAX_WIDTH: Final = 1_000
"""Characters that a pattern may match at most."""


def pattern_width(pattern: str) -> int:
    """Returns the most characters that a pattern can match.

    Args:
        pattern: One that RE2 has accepted.

    Raises:
        ValueError: there is no bound, or one above `MAX_WIDTH`; or the pattern asks for the
            beginning or the end of the text, which a stream does not know.

    >>> pattern_width(r"(?i)ticket-[0-9]{1,8}|T\\d")
    15
    """
    width = _Reader(pattern).read()
    if width > MAX_WIDTH:
        raise ValueError(f"it may match {width} characters; at most {MAX_WIDTH} are possible")
    return width


class _Reader:
    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._place = 0

    def read(self) -> int:
        """Returns the width of alternatives up to the end of a group, or of all."""
        widest = width = 0
        pattern = self._pattern
        while self._place < len(pattern) and pattern[self._place] != ")":
            if pattern[self._place] == "|":
                self._place += 1
                widest, width = max(widest, width), 0
            else:
                width += self._repeated(self._one())
        return max(widest, width)

    def _one(self) -> int:
        """Returns the width of what stands here, and goes behind it."""
        pattern, here = self._pattern, self._place
        match pattern[here]:
            case "\\":
                return self._escape()
            case "[":
                found = _CLASS.match(pattern, here)
                assert found is not None, "RE2 has accepted it"
                self._place = found.end()
                return 1
            case "(":
                return self._group()
            case "^" | "$":
                raise ValueError(_anchor(pattern[here]))
        self._place += 1
        return 1

    def _escape(self) -> int:
        found = _ESCAPE.match(self._pattern, self._place)
        assert found is not None, "RE2 has accepted it"
        self._place = found.end()
        if found["anchor"]:
            raise ValueError(_anchor(found.group()))
        if found["quote"]:
            return len(found["quoted"])
        return 0 if found["nothing"] else 1

    def _group(self) -> int:
        found = _GROUP.match(self._pattern, self._place)
        assert found is not None, "RE2 has accepted it"
        self._place = found.end()
        if found["end"] == ")":  # flags for what follows
            return 0
        width = self.read()
        self._place += 1
        return width

    def _repeated(self, width: int) -> int:
        """Returns the width of what was read with the repetition behind it."""
        found = _REPEAT.match(self._pattern, self._place)
        if found is None:
            return width
        self._place = found.end()
        if found["endless"] or (found["comma"] and not found["most"]):
            raise ValueError(
                f"{found.group()!r} has no bound: write how often at most, such as {{1,64}}"
            )
        if found["least"] is None:
            return width
        return width * int(found["most"] or found["least"])


def _anchor(sign: str) -> str:
    return f"{sign!r} asks for where a text begins or ends, which a stream does not know: use \\b"
