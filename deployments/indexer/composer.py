"""The text of a chunk from its piece of a Markdown text: without headings at its start, with the
beginning of what it goes on with."""

import re
from collections.abc import Callable, Iterable, Iterator

from deployments.indexer.outline import Outline
from deployments.indexer.stretches import Stretch, Stretches, find_stretches

_PAIR = re.compile(r"^[^\s:][^:\n]{0,60}:[ \t]", re.M)
_LINE = re.compile(r"^[^\n]*\S", re.M)


class Composer:
    """Makes the texts of the chunks of one text.

    Args:
        text: The text.
        outline: Its headings.
        fits: Returns whether something may be repeated at the start of a chunk.
    """

    def __init__(self, text: str, outline: Outline, fits: Callable[[str], bool]) -> None:
        self._text = text
        self._outline = outline
        self._stretches = Stretches(
            [one for one in find_stretches(text) if one.suffix or fits(one.prefix)]
        )

    def is_inside(self, position: int) -> bool:
        """Returns whether a place is inside of code, a table or a list."""
        return self._stretches.at(position) is not None

    def goes_on(self, position: int) -> bool:
        """Returns whether code, a table or a list says more from a place inside of it on."""
        stretch = self._stretches.at(position)
        return stretch is not None and bool(self._text[position : stretch.end].strip())

    def without_gaps(
        self, pieces: Iterable[tuple[int, str]], *, start: int = 0
    ) -> Iterator[tuple[int, str]]:
        """Yields offset and text of pieces; inside of a block each begins where the one before has
        ended: nothing of it is repeated, and neither indentation nor an empty line is lost."""
        known_until = start
        for offset, piece in pieces:
            end = offset + len(piece)
            if end > known_until > 0:
                if self.goes_on(known_until):
                    offset = known_until
                elif offset < known_until and (stretch := self._stretches.at(known_until)):
                    # The block has been said to its end.
                    offset = min(max(stretch.end, known_until), end)
            known_until = end
            yield offset, self._text[offset:end]

    def begin(self, position: int) -> int:
        """Returns where the text of a chunk begins whose piece begins at a position: behind
        headings, and behind the end of code that the chunk before has closed."""
        stretch = self._stretches.at(position)
        if stretch is not None and stretch.drop_until and position >= stretch.end:
            position = stretch.drop_until
        return self._outline.skip(position)

    def extra(self, position: int, end: int) -> str:
        """Returns what is put around the text of a piece; empty for most."""
        before = self._stretches.at(self.begin(position))
        after = self._closing(end)
        return (before.prefix if before else "") + (after.suffix if after else "")

    def repeated_around(self, chars: int) -> list[str]:
        """Returns what is put around the pieces of stretches that are longer than so many
        characters, which have to be cut."""
        long = (one for one in self._stretches if one.end - one.start > chars)
        return list(dict.fromkeys(one.prefix + one.suffix for one in long))

    def compose(self, position: int, end: int) -> str:
        """Returns the text of the chunk of a piece; empty where nothing is left of it."""
        begin = self.begin(position)
        before = self._stretches.at(begin)
        body = self._body(begin, end, is_inside=before is not None)
        if not body.strip():
            return ""
        last = begin + len(self._text[begin:end].rstrip("\n"))
        after = self._closing(last)
        following = self._stretches.at(last + 1) or self._stretches.at(end)
        if following is not None and last < following.start:
            is_fence = bool(following.suffix) and "\n" not in body
            if is_fence or body.strip() == following.prefix.strip():
                return ""  # nothing but what the next chunk begins with
        prefix = ""
        if before is not None:
            is_line_start = "\n" in self._text[max(begin - 1, 0) : begin + 1]
            prefix = before.prefix_at(begin, is_line_start=is_line_start)
            body = body if is_line_start else body.lstrip() if not before.suffix else body
        return prefix + body + (after.suffix if after else "")

    def _body(self, begin: int, end: int, *, is_inside: bool) -> str:
        """Returns what stands between two places; inside a block, empty lines at its start stay."""
        if not is_inside:
            return self._text[begin:end].strip("\n")
        return self._text[begin:end].removeprefix("\n").rstrip("\n")

    def _closing(self, end: int) -> Stretch | None:
        """Returns the code that a chunk ends inside of, which has to be closed."""
        # Where only the fence is there, it ends a character before what the fence opens.
        stretch = self._stretches.at(end) or self._stretches.at(end + 1)
        return stretch if stretch is not None and stretch.suffix else None


def is_records(text: str) -> bool:
    """Returns whether most lines of a plain text say one thing by its name, as the rows of a table
    do when each is a paragraph."""
    lines = len(_LINE.findall(text))
    return lines > 1 and 2 * len(_PAIR.findall(text)) >= lines
