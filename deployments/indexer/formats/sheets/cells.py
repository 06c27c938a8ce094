"""Reads the cells of one sheet as they are shown, row by row, without holding the sheet's tree."""

import math
import re
from collections.abc import Iterator

from lxml import etree

from deployments.contracts.errors import InvalidRequest
from deployments.indexer.formats import bounds
from deployments.indexer.formats.converted import count_of
from deployments.indexer.formats.office import local_name, stream
from deployments.indexer.formats.sheets.number_formats import GENERAL, show_number, show_text

_REFERENCE = re.compile(r"\$?([A-Za-z]{1,4})\$?(\d{1,10})")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


class CellReader:
    """Shows the cells of a workbook, and counts those whose value it does not hold."""

    def __init__(self, *, strings: list[str], formats: list[str], starts_1904: bool) -> None:
        self._strings = strings
        self._formats = formats
        self._starts_1904 = starts_1904
        self._cell_count = 0
        self._formula_count = 0
        self._shared: dict[str, tuple[str, str]] = {}

    def start_sheet(self) -> None:
        """Forgets the formulas that cells of the sheet before shared."""
        self._shared = {}

    def show(self, cell: etree._Element, reference: str) -> str:
        """Returns what a cell shows on one line; a formula without a stored value as "=B2*C2"."""
        self._cell_count += 1
        bounds.check_cells(self._cell_count)
        value = formula = inline = None
        for element in cell:
            name = local_name(element)
            if name == "v":
                value = element.text
            elif name == "f":
                formula = self._formula(element, reference)
            elif name == "is":
                inline = string_of(element)
        kind = cell.get("t", "n")
        if kind == "inlineStr":
            value, kind = inline, "str"
        if value is None:
            if formula:
                self._formula_count += 1
                return _one_line(f"={formula}")
            return ""
        return self._show(value, kind, self._format(cell.get("s")))

    def warning(self) -> str:
        """Returns the sentence on formulas without a value; "" where there are none."""
        if not self._formula_count:
            return ""
        have, are = ("has", "is") if self._formula_count == 1 else ("have", "are")
        count = count_of(self._formula_count, "formula")
        return f"{count} {have} no stored value, and {are} read as written."

    def _show(self, value: str, kind: str, code: str) -> str:
        if kind == "s":
            value = value.strip()
            index = int(value) if value.isdecimal() and len(value) < 10 else -1
            value = self._strings[index] if 0 <= index < len(self._strings) else ""
        if kind in ("s", "str"):
            return _one_line(show_text(_ESCAPED.sub(_unescaped, value), code))
        if kind == "b":
            return "TRUE" if value.strip() in ("1", "true") else "FALSE"
        if kind in ("e", "d"):
            return _one_line(value.removesuffix("T00:00:00"))
        number = _number(value)
        if number is None:
            return _one_line(value)
        return show_number(number, code, starts_1904=self._starts_1904)

    def _format(self, style: str | None) -> str:
        index = int(style) if style and style.isdecimal() and len(style) < 10 else 0
        return self._formats[index] if index < len(self._formats) else GENERAL

    def _formula(self, element: etree._Element, reference: str) -> str:
        """Returns a cell's formula; of one that it shares, moved from the cell that has it."""
        text, group = element.text or "", element.get("si", "")
        if element.get("t") != "shared":
            return text
        if text:
            self._shared[group] = (text, reference)
            return text
        origin, at = self._shared.get(group, ("", ""))
        return _moved(origin, at, reference) if origin else "?"


def string_of(item: etree._Element) -> str:
    """Returns the text of a string with its runs, without the reading aids of Japanese."""
    pieces: list[str] = []
    for element in item:
        name = local_name(element)
        if name == "t":
            pieces.append(element.text or "")
        elif name == "r":
            pieces += [text.text or "" for text in element if local_name(text) == "t"]
    return "".join(pieces)


def read_rows(content: bytes, cells: CellReader) -> Iterator[tuple[int, dict[int, str]]]:
    """Yields the rows of a sheet that have cells with something in them, by their numbers.

    Raises:
        InvalidRequest: A row or a column is beyond what a sheet can have.
    """
    cells.start_sheet()
    number = 0
    for row in stream(content, "row"):
        given = row.get("r") or ""
        number = int(given) if given.isdecimal() and len(given) < 12 else number + 1
        bounds.check_rows(number)
        shown: dict[int, str] = {}
        column = -1
        for cell in row:
            column = _column(cell.get("r"), column + 1)
            text = cells.show(cell, cell.get("r") or "")
            if text:
                shown[column] = text
        if shown:
            yield number, shown


def cell_position(reference: str) -> tuple[int, int] | None:
    """Returns row, from 1, and column, from 0, of a reference such as "B2"."""
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        return None
    column = 0
    for letter in match[1].upper():
        column = column * 26 + ord(letter) - ord("A") + 1
    return int(match[2]), column - 1


def _column(reference: str | None, default: int) -> int:
    position = cell_position(reference) if reference else None
    column = position[1] if position else default
    if column >= bounds.MAX_COLUMNS:
        limit = f"{bounds.MAX_COLUMNS:,}"
        raise InvalidRequest(f"The table has more than {limit} columns. Split it.")
    return column


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _moved(formula: str, origin: str, reference: str) -> str:
    from openpyxl.formula.translate import Translator  # type: ignore[import-untyped]

    return str(Translator(f"={formula}", origin=origin).translate_formula(reference))[1:]


def _unescaped(match: re.Match[str]) -> str:
    return chr(int(match[1], 16))


def _one_line(text: str) -> str:
    return " ".join(text.split())
