"""Stretches of a text that a splitter takes in one go.

Its time grows with the square of a run without blanks, such as minified data, and of a long text of
few tokens, so that both are cut beforehand. What is shorter is one stretch.
"""

import re
from collections.abc import Callable, Iterator, Sequence

_MAX_RUN_CHARS = 2048
_MAX_CHARS = 32_768
_RUN = re.compile(rf"(?<!\S)\S{{{_MAX_RUN_CHARS + 1},}}")
_RUN_ENDS = re.compile(r"[。！？．；，、,;!?})\]|&]")
_TAIL_CHARS = 256
_ENDS = (re.compile(r"\n(?=#{1,6} )"), re.compile(r"\n\n"), re.compile(r"\n"), re.compile(r"\s"))
"""Where a long text is cut, the best place first."""


def windows(
    text: str, belongs_together: Callable[[int], bool] = lambda position: False
) -> Iterator[tuple[int, str]]:
    """Yields offset and text of each stretch, in their order; together they are the text.

    Args:
        text: The text.
        belongs_together: Returns whether a long text should not be cut at a place, as inside code.
    """
    start = 0
    for position in (*_run_cuts(text), len(text)):
        while position - start > _MAX_CHARS:
            cut = _last(
                _ENDS, text, (start + _MAX_CHARS // 2, start + _MAX_CHARS), belongs_together
            )
            yield start, text[start:cut]
            start = cut
        if position > start:
            yield start, text[start:position]
        start = position


def _run_cuts(text: str) -> Iterator[int]:
    for run in _RUN.finditer(text):
        position = run.start()
        while run.end() - position > _MAX_RUN_CHARS:
            latest = position + _MAX_RUN_CHARS
            position = _last((_RUN_ENDS,), text, (latest - _TAIL_CHARS, latest))
            yield position


def _last(
    ends: Sequence[re.Pattern[str]],
    text: str,
    bounds: tuple[int, int],
    belongs_together: Callable[[int], bool] = lambda position: False,
) -> int:
    """Returns the last place within bounds at which text may be cut: behind what ends it best."""
    second_best = 0
    for end in ends:
        for match in reversed(list(end.finditer(text, *bounds))):
            if not belongs_together(match.end()):
                return match.end()
            second_best = second_best or match.end()
    return second_best or bounds[1]
