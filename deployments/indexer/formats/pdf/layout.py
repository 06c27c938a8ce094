"""The reading order of a page. Most programs write a column to its end before the next begins;
where a page was written line by line across two columns, each column is read by itself.
"""

from dataclasses import dataclass
from statistics import median

import pypdfium2 as pdfium

from deployments.indexer.formats.pdf.scripts import may_have_scripts, text_with_scripts

_MAX_RECTANGLES = 5_000
_LEAST_ROWS = 5
"""Rows across both columns that it takes to believe in columns."""

_LEAST_ALTERNATING_RATIO = 0.6
_LEAST_FILL_RATIO = 0.6
"""Lines of prose fill their column; cells of a table do not."""

_LEAST_WIDTH_RATIO = 0.2
_GUTTER = (0.3, 0.7)


@dataclass(frozen=True, slots=True)
class _Box:
    left: float
    bottom: float
    right: float
    top: float

    def beside(self, other: "_Box") -> bool:
        """Returns whether two boxes stand on one line."""
        overlap = min(self.top, other.top) - max(self.bottom, other.bottom)
        return overlap > 0.5 * min(self.top - self.bottom, other.top - other.bottom)


def page_text(text_page: pdfium.PdfTextPage) -> str:
    """Returns the text of a page in reading order."""
    count = text_page.count_rects()
    if not 1 < count <= _MAX_RECTANGLES:
        return str(text_page.get_text_range())
    rectangles = [text_page.get_rect(index) for index in range(count)]
    boxes = [_Box(*rectangle) for rectangle in rectangles]
    gutter = _find_gutter(boxes) if count >= 2 * _LEAST_ROWS else 0
    if gutter:
        return _read_columns(text_page, boxes, gutter)
    if may_have_scripts(rectangles):
        return text_with_scripts(text_page)
    return str(text_page.get_text_range())


def _find_gutter(boxes: list[_Box]) -> float:
    """Returns where two columns part that were written line by line; 0 where there are none."""
    left = min(box.left for box in boxes)
    right = max(box.right for box in boxes)
    width = right - left
    pairs = [
        (one, two)
        for one, two in zip(boxes, boxes[1:], strict=False)
        if one.beside(two) and two.left > one.right + 4
    ]
    if len(pairs) < _LEAST_ROWS or not width:
        return 0
    gutter = median((one.right + two.left) / 2 for one, two in pairs)
    start = median(two.left for _, two in pairs)
    pairs = [(one, two) for one, two in pairs if abs(two.left - start) < 4 and one.right < start]
    if len(pairs) < _LEAST_ROWS or not _GUTTER[0] < (start - left) / width < _GUTTER[1]:
        return 0
    gutter = (max(one.right for one, _ in pairs) + start) / 2
    columns = (
        [box for box in boxes if box.right <= gutter],
        [b for b in boxes if b.left >= gutter],
    )
    for column in columns:
        widths = [box.right - box.left for box in column]
        is_narrow = median(widths) < _LEAST_WIDTH_RATIO * width
        if is_narrow or median(widths) < _LEAST_FILL_RATIO * max(widths):
            return 0
    alternating = len(pairs) / len(columns[1])
    return gutter if alternating >= _LEAST_ALTERNATING_RATIO else 0


def _read_columns(text_page: pdfium.PdfTextPage, boxes: list[_Box], gutter: float) -> str:
    """Returns the text of both columns, in stretches between lines that go across the page."""
    across = sorted((box for box in boxes if box.left < gutter < box.right), key=lambda b: -b.top)
    ceiling = max(box.top for box in boxes) + 1
    floor = min(box.bottom for box in boxes) - 1
    left = min(box.left for box in boxes) - 1
    right = max(box.right for box in boxes) + 1
    pieces: list[str] = []
    for box in [*across, None]:
        bottom = box.top if box else floor
        if bottom < ceiling:
            pieces.append(text_page.get_text_bounded(left, bottom, gutter, ceiling))
            pieces.append(text_page.get_text_bounded(gutter, bottom, right, ceiling))
        if box:
            pieces.append(text_page.get_text_bounded(left, box.bottom, right, box.top))
            ceiling = box.bottom
    return "\n".join(piece for piece in pieces if piece.strip())
