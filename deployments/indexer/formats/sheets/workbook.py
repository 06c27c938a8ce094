"""Reads an XLSX as its sheets show it: the values with their formats, the sheets that can be seen.

The parts are read here rather than by openpyxl: it refuses a file for its fonts and fills, knows
no merged cells where it reads without a tree, and gives values, not what is shown of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from deployments.contracts.documents import Part
from deployments.indexer.formats.converted import Converted, ReadingOptions, left_out
from deployments.indexer.formats.office import (
    OfficeFile,
    attribute,
    local_name,
    open_office,
    stream,
)
from deployments.indexer.formats.sheets.cells import CellReader, read_rows, string_of
from deployments.indexer.formats.sheets.merges import fill_merged, find_merges
from deployments.indexer.formats.sheets.styles import read_formats
from deployments.indexer.formats.tables.records import render_records

_KIND = "an Excel workbook (.xlsx)"


@dataclass(frozen=True, slots=True)
class _Sheet:
    name: str
    part: str
    is_hidden: bool


def read_sheets(content: bytes, options: ReadingOptions) -> Converted:
    """Reads a workbook: a part per sheet that can be seen, under its name."""
    with open_office(content, _KIND) as file:
        main = file.main_part(_KIND)
        workbook = file.tree(main)
        if workbook is None or local_name(workbook) != "workbook":
            raise ValueError("the main part is no workbook")
        sheets = list(_sheets(file, main, workbook))
        hidden = [] if options.hidden else [sheet for sheet in sheets if sheet.is_hidden]
        targets = {one.kind: one.target for one in file.relationships(main).values()}
        cells = CellReader(
            strings=list(_shared_strings(file, targets.get("sharedStrings", ""))),
            formats=read_formats(file.read(targets.get("styles", ""))),
            starts_1904=_starts_1904(workbook),
        )
        parts = [_read_sheet(file, sheet, cells) for sheet in sheets if sheet not in hidden]
        warnings = [
            left_out(len(hidden), "hidden sheet", names=tuple(sheet.name for sheet in hidden)),
            cells.warning(),
            *_unread(file, options),
        ]
    return Converted(
        tuple(part for part in parts if part is not None), warnings=tuple(filter(None, warnings))
    )


def _sheets(file: OfficeFile, main: str, workbook: etree._Element) -> Iterator[_Sheet]:
    """Yields the sheets of cells in their order; sheets of a chart alone have none."""
    relationships = file.relationships(main)
    for element in workbook.iter("{*}sheet"):
        target = relationships.get(attribute(element, "id"))
        if target is not None and target.kind == "worksheet":
            is_hidden = element.get("state", "visible") != "visible"
            yield _Sheet(element.get("name", ""), target.target, is_hidden)


def _starts_1904(workbook: etree._Element) -> bool:
    settings = next(workbook.iter("{*}workbookPr"), None)
    return attribute(settings, "date1904") in ("1", "true")


def _shared_strings(file: OfficeFile, part: str) -> Iterator[str]:
    content = file.read(part) if part else b""
    if content:
        yield from map(string_of, stream(content, "si"))


def _read_sheet(file: OfficeFile, sheet: _Sheet, cells: CellReader) -> Part | None:
    content = file.read(sheet.part)
    if not content:
        return None
    rows = fill_merged(read_rows(content, cells), find_merges(content))
    text = render_records(rows)
    return Part(f"Sheet: {sheet.name}\n\n{text}") if text else None


def _unread(file: OfficeFile, options: ReadingOptions) -> Iterator[str]:
    """Yields what else the workbook shows, and is not read."""
    charts = file.names("xl/charts/chart")
    yield left_out(len(charts), "chart")
    notes = sum(file.read(name).count(b"<comment ") for name in file.names("xl/comments"))
    yield left_out(notes, "comment on cells", "comments on cells")
    shapes = sum(file.read(name).count(b"<xdr:sp ") for name in file.names("xl/drawings/drawing"))
    yield left_out(shapes, "shape or text box", "shapes and text boxes")
