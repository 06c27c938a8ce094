"""Whether a page can be read in a reasonable time: PDFium sorts the pieces of a line by insertion.

Pieces that come in order cost nothing. A stream that is named eighty times writes the same line
eighty times over, and every piece is sorted in among all the others.
"""

import ctypes
from collections.abc import Iterator
from typing import Any, Final

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

_FEW_OBJECTS: Final = 1_000
"""A page of fewer pieces is never slow."""

_MAX_OBJECTS: Final = 200_000
_MAX_STEPS: Final = 10_000_000
"""Steps of sorting, half a second of them; a page of Hebrew takes some 100,000."""

_MAX_DEPTH: Final = 10


def writes_over_itself(page: pdfium.PdfPage) -> bool:
    """Returns whether so many pieces stand on the same lines that sorting them takes too long."""
    count = pdfium_c.FPDFPage_CountObjects(page)
    if count < _FEW_OBJECTS and not _has_forms(page, count):
        return False
    lines: dict[int, tuple[float, int]] = {}  # by height: the rightmost start, and the pieces
    steps = 0
    for seen, (left, bottom) in enumerate(_pieces(page), start=1):
        farthest, pieces = lines.get(round(bottom), (left, 0))
        if left < farthest - 1:
            steps += pieces
        lines[round(bottom)] = (max(left, farthest), pieces + 1)
        if steps > _MAX_STEPS or seen > _MAX_OBJECTS:
            return True
    return False


def _has_forms(page: pdfium.PdfPage, count: int) -> bool:
    kinds = (
        pdfium_c.FPDFPageObj_GetType(pdfium_c.FPDFPage_GetObject(page, index))
        for index in range(count)
    )
    return any(kind == pdfium_c.FPDF_PAGEOBJ_FORM for kind in kinds)


def _pieces(page: pdfium.PdfPage) -> Iterator[tuple[float, float]]:
    """Yields where each piece of text begins, those of forms included: from the left, the bottom.

    What is no text is yielded far below, so that it counts as an object.
    """
    count = pdfium_c.FPDFPage_CountObjects(page)
    objects = (pdfium_c.FPDFPage_GetObject(page, index) for index in range(count))
    above: list[Iterator[Any]] = [objects]
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    while above:
        one = next(above[-1], None)
        if one is None:
            above.pop()
            continue
        kind = pdfium_c.FPDFPageObj_GetType(one)
        if kind == pdfium_c.FPDF_PAGEOBJ_TEXT:
            pdfium_c.FPDFPageObj_GetBounds(one, left, bottom, right, top)
            yield left.value, bottom.value
            continue
        yield 0.0, -1e6
        if kind == pdfium_c.FPDF_PAGEOBJ_FORM and len(above) < _MAX_DEPTH:
            above.append(_inner(one))


def _inner(form: Any) -> Iterator[Any]:
    count = pdfium_c.FPDFFormObj_CountObjects(form)
    return (pdfium_c.FPDFFormObj_GetObject(form, index) for index in range(count))
