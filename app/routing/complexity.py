"""How much a question asks for, judged by its words: no model is asked, so it costs nothing."""

import re

from app.settings.live.routing import Complexity

_REASONING = re.compile(
    r"\b(?:analy[sz]e|compare|comparison|contrast|derive|design|difference|evaluate|explain|"
    r"implications?|pros and cons|prove|recommend|refactor|step by step|summari[sz]e|trade-?offs?|"
    r"versus|vs|why)\b",
    re.IGNORECASE,
)
_QUESTION_MARKS = re.compile(r"[?\uff1f\u061f]")  # also those of Chinese and Arabic
_CODE = re.compile(r"```|\n {4}\S|^\s*(?:def|class|SELECT)\b", re.MULTILINE)
_LOOKED_AT_CHARS = 8_000
_LONG_WORDS, _VERY_LONG_WORDS = 25, 80
_CHARS_PER_WORD = 6
_MANY_TURNS = 4
_COMPLEX_POINTS = 3


def complexity_of(question: str, *, turns: int) -> Complexity:
    """Returns how much a question asks for.

    A point each for length, great length (two more), several questions in one, a word that asks
    for reasoning (two at most), code, and a long conversation: none is simple, three are complex.

    >>> complexity_of("When is a lease renewed?", turns=1)
    'simple'
    >>> complexity_of("Why is a lease renewed?", turns=1)
    'medium'
    >>> complexity_of("Compare the two, explain the trade-offs, and say why.", turns=5)
    'complex'

    Args:
        question: The last message of the user; its first 8,000 characters count.
        turns: Messages of the user so far.
    """
    text = question[:_LOOKED_AT_CHARS]
    # Scripts without blanks have words, too.
    words = max(len(text.split()), len(text) // _CHARS_PER_WORD)
    points = (
        int(words > _LONG_WORDS)
        + 2 * int(words > _VERY_LONG_WORDS)
        + int(len(_QUESTION_MARKS.findall(text)) > 1)
        + min(len(_REASONING.findall(text)), 2)
        + int(bool(_CODE.search(text)))
        + int(turns >= _MANY_TURNS)
    )
    if points == 0:
        return "simple"
    return "complex" if points >= _COMPLEX_POINTS else "medium"
