"""Under which headings each place of a text stands, and which headings are text themselves."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from deployments.indexer.markup import Heading

Path = tuple[str, ...]
"""Titles from the outermost heading to the innermost."""


class Outline:
    """The headings of one text.

    A heading with nothing below it, not even another heading, says something by itself: it stands
    in the text of a chunk. All others are in the paths of what stands below them.

    Args:
        text: The text.
        headings: Its headings, in order.
        title: The document's, which no path repeats.
    """

    def __init__(self, text: str, headings: Sequence[Heading], title: str) -> None:
        self._text = text
        self._headings = headings
        self._starts = [heading.start for heading in headings]
        self._is_text = [
            _has_nothing_below(text, headings, place) for place in range(len(headings))
        ]
        self.paths: list[Path] = [(), *_list_paths(headings, self._is_text, title)]
        """The path before the first heading, then that of each."""

    def path_number(self, position: int) -> int:
        """Returns the place in `paths` of the path that a position stands under."""
        return bisect_right(self._starts, position)

    def skip(self, position: int) -> int:
        """Returns where the text after the headings at a position begins, its indentation kept."""
        while True:
            first = position
            while first < len(self._text) and self._text[first].isspace():
                first += 1
            index = bisect_right(self._starts, first) - 1
            if index < 0 or first >= self._headings[index].end or self._is_text[index]:
                return position
            position = self._headings[index].end


def _has_nothing_below(text: str, headings: Sequence[Heading], place: int) -> bool:
    heading = headings[place]
    following = headings[place + 1] if place + 1 < len(headings) else None
    if following is not None and following.level > heading.level:
        return False
    end = len(text) if following is None else following.start
    return not text[heading.end : end].strip()


def _list_paths(headings: Sequence[Heading], is_text: Sequence[bool], title: str) -> Iterator[Path]:
    """Yields the path from the outermost heading to each heading, without the document's title; one
    that is text is not under itself."""
    unsaid = ("", title.casefold())
    stack: list[Heading] = []
    for heading, says_itself in zip(headings, is_text, strict=True):
        while stack and stack[-1].level >= heading.level:
            stack.pop()
        if not says_itself:
            stack.append(heading)
        yield tuple(h.title for h in stack if h.title.casefold() not in unsaid)
