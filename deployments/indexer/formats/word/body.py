"""The blocks of a Word document: headings, paragraphs, lists, tables, notes after their marks."""

from collections.abc import Callable, Iterator, Mapping

from lxml import etree

from deployments.indexer.formats.markdown_writer import MarkdownWriter
from deployments.indexer.formats.office import attribute, child, local_name
from deployments.indexer.formats.office_drawings import DRAWINGS
from deployments.indexer.formats.tables.spans import SpannedTable
from deployments.indexer.formats.word.numbering import Numbering
from deployments.indexer.formats.word.runs import ParagraphText, RunReader, note_mark
from deployments.indexer.formats.word.styles import Style, outline_level

_UNSEEN = frozenset(("del", "moveFrom", "sectPr", "sdtPr", "sdtEndPr", "tblPr", "tblGrid"))
_MAX_DEPTH = 100
"""Blocks within blocks that are followed; Word itself makes a few."""


class BodyReader:
    """Writes blocks in their order; `title` is the paragraph in the style of a title.

    `part` returns what the document names by an id, such as a chart.
    """

    def __init__(
        self,
        writer: MarkdownWriter,
        *,
        runs: RunReader,
        styles: Mapping[str, Style],
        numbering: Numbering,
        notes: Mapping[tuple[str, str], etree._Element],
        part: Callable[[str], etree._Element | None],
    ) -> None:
        self.title = ""
        self._writer = writer
        self._runs = runs
        self._styles = styles
        self._numbering = numbering
        self._notes = dict(notes)
        self._part = part
        self._marked: list[tuple[str, str]] = []  # notes whose marks stand in a table
        self._drawn: list[tuple[str, str]] = []  # charts and diagrams in a table
        self._carried = ""  # of a paragraph whose end was deleted: it goes on in the next one

    def read(self, container: etree._Element) -> None:
        """Writes the blocks in an element."""
        for block in _blocks(container):
            name = local_name(block)
            if name == "p":
                self._paragraph(block)
            elif name == "tbl":
                self._table(block)
            else:
                self._runs.counts.add("embedded document")
        if self._carried:
            self._writer.paragraph(self._carried)
            self._carried = ""

    def _paragraph(self, element: etree._Element) -> None:
        found = self._runs.read(element)
        properties = child(element, "pPr")
        if child(properties, "rPr", "del") is not None:
            self._carried += found.text
            return
        found.text, self._carried = self._carried + found.text, ""
        style = self._styles.get(attribute(child(properties, "pStyle"), "val"), Style())
        outline = outline_level(attribute(child(properties, "outlineLvl"), "val"))
        marker, depth = self._marker(properties, style) if found.text.strip() else (None, 0)
        heading = outline or style.heading
        if style.is_title and found.text.strip():
            self.title = self.title or " ".join(found.text.split())
            heading = heading or 1
        if heading:
            number = f"{marker} " if marker and marker != "-" else ""
            self._writer.heading(heading, number + found.text)
        elif marker is not None:
            self._writer.item(found.text, marker=marker, depth=depth)
        else:
            self._writer.paragraph(found.text)
        self._after(found)

    def _after(self, found: ParagraphText) -> None:
        """Writes what hangs on a paragraph: its notes, text boxes, charts and diagrams."""
        self._write_notes(found.notes)
        for box in found.boxes:
            self.read(box)
        self._write_drawings(found.drawings)

    def _write_drawings(self, drawings: list[tuple[str, str]]) -> None:
        for name, part_id in drawings:
            kind = DRAWINGS[name]
            part = self._part(part_id)
            if part is None or not kind.write(self._writer, part):
                self._runs.counts.add(kind.noun)

    def _write_notes(self, marks: list[tuple[str, str]]) -> None:
        for kind, note_id in marks:
            note = self._notes.pop((kind, note_id), None)
            if note is not None:
                before = len(self._drawn)
                text = " ".join(self._texts(note))
                self._writer.paragraph(f"{note_mark(kind, note_id)}: {text}")
                # What is drawn in a note is a part that the notes name, and not the document.
                for name, _ in self._drawn[before:]:
                    self._runs.counts.add(DRAWINGS[name].noun)
                del self._drawn[before:]

    def _marker(self, properties: etree._Element | None, style: Style) -> tuple[str | None, int]:
        own = child(properties, "numPr")
        number_id = attribute(child(own, "numId"), "val") or style.number_id
        level = attribute(child(own, "ilvl"), "val")
        depth = int(level[:2]) if level.isdecimal() else style.level
        marker = self._numbering.next(number_id, depth)
        return "-" if marker is None and style.is_item else marker, depth

    def _texts(self, container: etree._Element) -> Iterator[str]:
        """Yields the paragraphs in an element as text, those of inner tables included."""
        for block in _blocks(container):
            if local_name(block) == "p":
                found = self._runs.read(block)
                self._marked += found.notes
                self._drawn += found.drawings
                marker, _ = self._marker(child(block, "pPr"), Style())
                text = found.text.strip()
                if text:
                    yield f"{marker} {text}" if marker and marker != "-" else text
                for box in found.boxes:
                    yield from self._texts(box)
            else:
                for row in _below(block, "tr"):
                    for cell in _below(row, "tc"):
                        yield from self._texts(cell)

    def _table(self, element: etree._Element) -> None:
        rows = [row for row in _below(element, "tr") if child(row, "trPr", "del") is None]
        cells = [list(_below(row, "tc")) for row in rows]
        if all(len(row) < 2 for row in cells):
            for cell in (cell for row in cells for cell in row):
                self.read(cell)
            return
        table = SpannedTable()
        above: dict[int, str] = {}
        for row, in_row in zip(rows, cells, strict=True):
            table.start_row()
            for _ in range(_integer(child(row, "trPr", "gridBefore"), 0)):
                table.add("")
            for cell in in_row:
                self._cell(cell, table, above, is_whole_row=len(in_row) == 1)
        self._writer.table(table.rows)
        marked, self._marked = self._marked, []
        self._write_notes(marked)
        drawn, self._drawn = self._drawn, []
        self._write_drawings(drawn)

    def _cell(
        self,
        cell: etree._Element,
        table: SpannedTable,
        above: dict[int, str],
        *,
        is_whole_row: bool,
    ) -> None:
        properties = child(cell, "tcPr")
        columns = max(1, min(_integer(child(properties, "gridSpan"), 1), 100))
        merge = child(properties, "vMerge")
        column = len(table.rows[-1])
        if merge is not None and attribute(merge, "val", "continue") == "continue":
            text = above.get(column, "")
        else:
            text = " ".join(self._texts(cell))
        for covered in range(column, column + columns):
            above[covered] = text
        table.add(text, columns=1 if is_whole_row else columns)


def _blocks(container: etree._Element, depth: int = 0) -> Iterator[etree._Element]:
    """Yields the paragraphs and tables of an element, whatever they are wrapped in."""
    for element in container:
        name = local_name(element)
        if name in ("p", "tbl") or name == "altChunk":
            yield element
        elif name not in _UNSEEN and depth < _MAX_DEPTH:
            yield from _blocks(element, depth + 1)


def _below(container: etree._Element, name: str, depth: int = 0) -> Iterator[etree._Element]:
    """Yields the rows of a table, or the cells of a row, whatever they are wrapped in."""
    for element in container:
        if local_name(element) == name:
            yield element
        elif local_name(element) not in (*_UNSEEN, "tbl", "tc", "p") and depth < _MAX_DEPTH:
            yield from _below(element, name, depth + 1)


def _integer(element: etree._Element | None, default: int) -> int:
    text = attribute(element, "val")
    return int(text) if text.isdecimal() and len(text) < 6 else default
