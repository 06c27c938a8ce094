"""Superscripts and subscripts of a page, kept apart from what they are raised from.

PDF has no word for them: they are smaller, above or below the line, and right behind a character.
PDFium ends the line at each, which goes on behind it.
"""

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from deployments.indexer.formats.scripts import lowered, raised

_MOST_SIZE = 0.87
"""Of a character beside what it stands at; TeX sets them at 0.7."""
_LEAST_SIZE = 0.5
"""What is smaller stands beside the initial of a paragraph, or the number of a chapter."""
_RAISED, _LOWERED = (0.15, 0.75), (-0.5, -0.08)
"""How far from the line, in heights of a character on it."""
_NEAR = 0.25
"""Between a character and what is raised at it, in the same heights."""
_SAME = 0.1
_WORD_GAP = 0.12
_LINE_GAP = 2.0
_BEFORE_CHARS = 20

Rectangle = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class _Character:
    """One that the page has, with its place in the text."""

    index: int
    left: float
    right: float
    height: float


@dataclass(frozen=True, slots=True)
class _Script:
    """A stretch of characters that stand off the line, from `start` to `stop`.

    What it stands for is the text from `begin` to `end`, with the line ends that PDFium has made
    around it; `joint` is what stands for the one behind it.
    """

    begin: int
    start: int
    stop: int
    end: int
    is_raised: bool
    joint: str


def may_have_scripts(rectangles: Sequence[Rectangle]) -> bool:
    """Returns whether a stretch of text is lower than the one before it, close behind it, and off
    its line: to look closer at every character takes longer. How high it is depends on its
    letters, so that it says little of their size."""
    for one, two in zip(rectangles, rectangles[1:], strict=False):
        height = one[3] - one[1]
        is_near = -height < two[0] - one[2] < height
        is_small = two[3] - two[1] < 0.95 * height
        if is_near and is_small and (two[1] > one[1] + 0.2 * height or two[1] < one[1]):
            return True
    return False


def text_with_scripts(text_page: pdfium.PdfTextPage) -> str:
    """Returns the text of a page with powers as `10^6` and lowered digits as they are."""
    pieces: list[str] = []
    place = 0
    for script in _Page(text_page).scripts():
        pieces.append(text_page.get_text_range(place, script.begin - place))
        before = "".join(pieces[-3:])[-_BEFORE_CHARS:]
        content = text_page.get_text_range(script.start, script.stop - script.start)
        pieces.append((raised if script.is_raised else lowered)(before, content))
        pieces.append(script.joint)
        place = script.end
    pieces.append(text_page.get_text_range(place))
    return "".join(pieces)


class _Page:
    """Looks at the characters of a page one by one, with as few calls as it takes."""

    def __init__(self, text_page: pdfium.PdfTextPage) -> None:
        self._text_page = text_page
        self._count = text_page.count_chars()
        self._box = pdfium_c.FS_RECTF()
        self._x, self._y = ctypes.c_double(), ctypes.c_double()

    def scripts(self) -> Iterator[_Script]:
        """Yields the scripts of the page in its order."""
        # Most characters are as high as the one before, which is seen without more calls.
        read, text_page, box = pdfium_c.FPDFText_GetLooseCharBox, self._text_page, self._box
        base, right, height = -1, 0.0, 0.0
        place = told = 0
        while place < self._count:
            read(text_page, place, box)
            new_height = box.top - box.bottom
            if new_height > _MOST_SIZE * height:
                base, right, height = place, box.right, new_height
            elif new_height > 0:
                below = _Character(base, 0.0, right, height)
                character = _Character(place, box.left, box.right, new_height)
                if shift := self._shift(below, character):
                    last = self._last(below, character)
                    end, joint = self._go_on(below, last)
                    begin = max(base + 1, told)
                    yield _Script(begin, place, last.index + 1, end, shift > 0, joint)
                    place = told = end
                    continue
                base, right, height = place, character.right, new_height
            place += 1

    def _character(self, index: int) -> _Character | None:
        """Returns a character; None for one that PDFium made, such as the end of a line."""
        box = self._box
        if not pdfium_c.FPDFText_GetLooseCharBox(self._text_page, index, box):
            return None
        height = box.top - box.bottom
        return _Character(index, box.left, box.right, height) if height > 0 else None

    def _line(self, character: _Character) -> float:
        """Returns the height on the page of the line that a character stands on."""
        pdfium_c.FPDFText_GetCharOrigin(self._text_page, character.index, self._x, self._y)
        return float(self._y.value)

    def _shift(self, base: _Character, character: _Character) -> float:
        """Returns how far a character stands off the line of another one that it belongs to; 0
        where it does not."""
        if not _LEAST_SIZE <= character.height / base.height <= _MOST_SIZE:
            return 0.0
        if abs(character.left - base.right) > _NEAR * base.height:
            return 0.0
        shift = (self._line(character) - self._line(base)) / base.height
        is_off = _RAISED[0] <= shift <= _RAISED[1] or _LOWERED[0] <= shift <= _LOWERED[1]
        return shift if is_off else 0.0

    def _last(self, base: _Character, first: _Character) -> _Character:
        """Returns the last character of a script."""
        last, line = first, self._line(first)
        for index in range(first.index + 1, self._count):
            following = self._character(index)
            if following is None or following.height > _MOST_SIZE * base.height:
                break
            if abs(self._line(following) - line) > _SAME * base.height:
                break
            last = following
        return last

    def _go_on(self, base: _Character, last: _Character) -> tuple[int, str]:
        """Returns where the text goes on behind a script, and what stands between: past the line
        end that PDFium has made, where the line or another script of the same base follows."""
        place = after = last.index + 1
        while after < self._count and pdfium_c.FPDFText_IsGenerated(self._text_page, after) == 1:
            after += 1
        following = self._character(after) if after < self._count else None
        if after == place or following is None:
            return place, ""
        if self._shift(base, following):
            return after, ""
        gap = following.left - last.right
        is_same_line = abs(self._line(following) - self._line(base)) <= _SAME * base.height
        if not is_same_line or not -base.height < gap < _LINE_GAP * base.height:
            return place, ""
        return after, " " if gap > _WORD_GAP * base.height else ""
