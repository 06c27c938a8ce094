"""Stretches of a text from a mark to the next mark that ends them: comments, CDATA.

A pattern would look for the end from every beginning; where none is left, that takes quadratic
time.
"""

from collections.abc import Callable, Iterator

_SHARED_CHARS = 2
"""From here on an end may share signs with its beginning, as in the comment `<!-->`."""


def replace_enclosed(text: str, begin: str, end: str, write: Callable[[str], str]) -> str:
    """Returns the text with every stretch replaced by what `write` makes of it, marks included; one
    that is left open stays.

    >>> replace_enclosed("a <!-- b --> c <!-- d", "<!--", "-->", lambda stretch: "")
    'a  c <!-- d'
    """
    return "".join(_pieces(text, begin, end, write)) if begin in text else text


def _pieces(text: str, begin: str, end: str, write: Callable[[str], str]) -> Iterator[str]:
    place = 0
    while (start := text.find(begin, place)) >= 0:
        stop = text.find(end, start + _SHARED_CHARS)
        if stop < 0:
            break
        yield text[place:start]
        place = stop + len(end)
        yield write(text[start:place])
    yield text[place:]
