"""What stands on a page beside its text: the values of form fields, and annotations.

A value is put behind the words on its line, as whoever filled the form sees it; where there are
none it gets the name of its field.
"""

import ctypes
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

_MAX_ANNOTATIONS: Final = 10_000
_SILENT: Final = frozenset((pdfium_c.FPDF_ANNOT_LINK, pdfium_c.FPDF_ANNOT_POPUP))
_BUTTONS: Final = frozenset((pdfium_c.FPDF_FORMFIELD_PUSHBUTTON, pdfium_c.FPDF_FORMFIELD_SIGNATURE))
_LINE_TOLERANCE = 4.0


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    value: str
    left: float
    middle: float
    is_box: bool


def read_annotations(
    page: pdfium.PdfPage,
    text_page: pdfium.PdfTextPage,
    text: str,
    document: pdfium.PdfDocument,
    seen: set[str],
) -> str:
    """Returns the text of a page with the values of its fields and its annotations.

    Args:
        page: The page.
        text_page: Its text, with places.
        text: Its text in reading order.
        document: Where it belongs, with its form.
        seen: Names of fields that were read before; those of choices are added.
    """
    count = min(pdfium_c.FPDFPage_GetAnnotCount(page), _MAX_ANNOTATIONS)
    if count <= 0:
        return text
    fields: list[_Field] = []
    notes: list[str] = []
    for index in range(count):
        annotation = pdfium_c.FPDFPage_GetAnnot(page, index)
        if not annotation:
            continue
        try:
            kind = pdfium_c.FPDFAnnot_GetSubtype(annotation)
            if kind == pdfium_c.FPDF_ANNOT_WIDGET:
                fields += _read_field(annotation, document, seen)
            elif kind not in _SILENT:
                content = " ".join(_string(annotation, "Contents").split())
                is_on_page = kind == pdfium_c.FPDF_ANNOT_FREETEXT
                notes += [content if is_on_page else f"Note: {content}"] if content else []
        finally:
            pdfium_c.FPDFPage_CloseAnnot(annotation)
    lines = [text] if text.strip() else []
    if fields:
        lines = [_fill(text, text_page, fields)]
    return "\n".join([*lines, *notes])


def _read_field(annotation: Any, document: pdfium.PdfDocument, seen: set[str]) -> Iterator[_Field]:
    place = pdfium_c.FS_RECTF()
    pdfium_c.FPDFAnnot_GetRect(annotation, place)
    middle = (place.top + place.bottom) / 2
    form = document.formenv
    if form is None:  # the document does not list its fields; the page shows them all the same
        name, value = _string(annotation, "T"), _string(annotation, "V").strip()
        if value:
            yield _Field(name, value, place.left, middle, is_box=False)
        return
    kind = pdfium_c.FPDFAnnot_GetFormFieldType(form, annotation)
    if kind in _BUTTONS:
        return
    name = _form_string(pdfium_c.FPDFAnnot_GetFormFieldName, form, annotation)
    label = _form_string(pdfium_c.FPDFAnnot_GetFormFieldAlternateName, form, annotation) or name
    value = _form_string(pdfium_c.FPDFAnnot_GetFormFieldValue, form, annotation)
    is_box = kind in (pdfium_c.FPDF_FORMFIELD_CHECKBOX, pdfium_c.FPDF_FORMFIELD_RADIOBUTTON)
    if is_box:
        if name in seen:
            return
        seen.add(name)
        is_choice = kind == pdfium_c.FPDF_FORMFIELD_RADIOBUTTON
        is_set = value not in ("", "Off")
        value = (value if is_set else "") if is_choice else ("yes" if is_set else "no")
    if value.strip():
        yield _Field(label, value.strip(), place.left, middle, is_box)


def _fill(text: str, text_page: pdfium.PdfTextPage, fields: list[_Field]) -> str:
    """Returns the text with each value behind the words that stand before it on its line."""
    lines = text.replace("\r\n", "\n").split("\n")
    boxes = [text_page.get_rect(index) for index in range(text_page.count_rects())]
    behind: dict[int, list[_Field]] = {}
    alone: list[str] = []
    for field in fields:
        index = None if field.is_box else _line_before(field, boxes, text_page, lines)
        if index is None:
            alone.append(f"{field.name}: {field.value}" if field.name else field.value)
        else:
            behind.setdefault(index, []).append(field)
    for index, found in behind.items():
        values = [field.value for field in sorted(found, key=lambda one: one.left)]
        lines[index] = " ".join([lines[index].rstrip(), *values])
    return "\n".join([*lines, *alone])


def _line_before(
    field: _Field,
    boxes: list[tuple[float, float, float, float]],
    text_page: pdfium.PdfTextPage,
    lines: list[str],
) -> int | None:
    """Returns which line holds the words left of a field; None where there are none."""
    beside = [
        box
        for box in boxes
        if box[1] - _LINE_TOLERANCE <= field.middle <= box[3] + _LINE_TOLERANCE
        and box[2] <= field.left + _LINE_TOLERANCE
    ]
    if not beside:
        return None
    words = text_page.get_text_bounded(*max(beside, key=lambda box: box[2])).strip()
    found = [index for index, line in enumerate(lines) if words and line.rstrip().endswith(words)]
    return found[0] if len(found) == 1 else None


def _string(annotation: Any, key: str) -> str:
    name = key.encode("ascii")
    return _read_string(
        lambda buffer, size: pdfium_c.FPDFAnnot_GetStringValue(annotation, name, buffer, size)
    )


def _form_string(read: Callable[..., int], form: Any, annotation: Any) -> str:
    return _read_string(lambda buffer, size: read(form, annotation, buffer, size))


def _read_string(read: Callable[[Any, int], int]) -> str:
    """Returns a string of PDFium, which says first how many bytes it takes."""
    size = read(None, 0)
    if size <= 2:
        return ""
    buffer = ctypes.create_string_buffer(size)
    read(ctypes.cast(buffer, ctypes.POINTER(pdfium_c.FPDF_WCHAR)), size)
    return buffer.raw.decode("utf-16-le", "replace").rstrip("\x00")
