"""The text of DrawingML: paragraphs of shapes, tables, charts and diagrams, as slides and documents
show them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from lxml import etree

from deployments.indexer.formats.markdown_writer import MarkdownWriter
from deployments.indexer.formats.office import attribute, child, local_name
from deployments.indexer.formats.office_formulas import formula_text
from deployments.indexer.formats.scripts import lowered, raised
from deployments.indexer.formats.tables.spans import SpannedTable

_LEAST_OFFSET = 15_000
"""Converters shift runs by a percent or two; superscripts stand a third of their size higher."""


def paragraphs(body: etree._Element | None) -> Iterator[tuple[str, int]]:
    """Yields the paragraphs of a text body that say something, each with its level, from 0."""
    for element in () if body is None else body:
        if local_name(element) == "p":
            text = paragraph_text(element)
            level = attribute(child(element, "pPr"), "lvl", "0")
            if text.strip():
                yield text, int(level) if level in "012345678" else 0


def paragraph_text(paragraph: etree._Element) -> str:
    """Returns the text of a paragraph, its superscripts and subscripts kept apart."""
    pieces: list[str] = []
    for element in paragraph:
        name = local_name(element)
        if name == "br":
            pieces.append("\n")
        elif name in ("r", "fld"):
            text = child(element, "t")
            content = (text.text or "") if text is not None else ""
            offset = _offset(child(element, "rPr"))
            before = next((piece for piece in reversed(pieces) if piece), "")
            if offset < -_LEAST_OFFSET:
                content = lowered(before, content)
            elif offset > _LEAST_OFFSET:
                content = raised(before, content)
            pieces.append(content)
        elif name not in ("pPr", "endParaRPr"):
            found = [formula_text(formula) for formula in element.iter("{*}oMath")]
            pieces += found or [text.text or "" for text in element.iter("{*}t")]
    return "".join(pieces)


def _offset(properties: etree._Element | None) -> int:
    """Returns how far a run stands above its line, in thousandths of a percent of its size."""
    text = attribute(properties, "baseline", "0")
    return int(text) if text.removeprefix("-").isdecimal() and len(text) < 8 else 0


def table_rows(table: etree._Element) -> list[list[str]]:
    """Returns the cells of a table, those that a merged cell covers filled."""
    grid = SpannedTable()
    for row in table:
        if local_name(row) != "tr":
            continue
        grid.start_row()
        for cell in row:
            is_covered = attribute(cell, "hMerge") in ("1", "true") or attribute(
                cell, "vMerge"
            ) in ("1", "true")
            if local_name(cell) == "tc" and not is_covered:
                text = " ".join(text for text, _ in paragraphs(child(cell, "txBody")))
                columns, rows = attribute(cell, "gridSpan", "1"), attribute(cell, "rowSpan", "1")
                grid.add(text, columns=_span(columns), rows=_span(rows))
        grid.end_row()
    return grid.rows


def chart_rows(chart: etree._Element) -> tuple[str, list[list[str]]]:
    """Returns the title of a chart, and its figures as a table with a column per series."""
    title = child(chart, "chart", "title")
    words = "" if title is None else " ".join(text.text or "" for text in title.iter("{*}t"))
    names: list[str] = []
    columns: list[dict[int, str]] = []
    categories: dict[int, str] = {}
    for series in chart.iter("{*}ser"):
        names.append(" ".join(_points(child(series, "tx")).values()))
        categories = categories or _points(child(series, "cat")) or _points(child(series, "xVal"))
        columns.append(_points(child(series, "val")) or _points(child(series, "yVal")))
    places = sorted({place for column in (categories, *columns) for place in column})
    rows = [
        [categories.get(place, ""), *(column.get(place, "") for column in columns)]
        for place in places
    ]
    return " ".join(words.split()), [["", *names], *rows] if rows else []


def write_chart(writer: MarkdownWriter, chart: etree._Element) -> bool:
    """Writes the title of a chart and its figures; returns whether it has any."""
    title, rows = chart_rows(chart)
    writer.paragraph(title)
    writer.table(rows)
    return bool(title or rows)


def write_diagram(writer: MarkdownWriter, diagram: etree._Element) -> bool:
    """Writes the texts of a diagram as a list; returns whether it has any."""
    texts = [text for point in diagram.iter("{*}pt") for text, _ in paragraphs(child(point, "t"))]
    for text in texts:
        writer.item(text, marker="-", depth=0)
    writer.end_list()
    return bool(texts)


@dataclass(frozen=True, slots=True)
class DrawingKind:
    """What is drawn from a part of its own: what people call it, which attribute names the part,
    and what writes it."""

    noun: str
    part: str
    write: Callable[[MarkdownWriter, etree._Element], bool]


DRAWINGS: Mapping[str, DrawingKind] = {
    "chart": DrawingKind("chart", "id", write_chart),
    "relIds": DrawingKind("diagram", "dm", write_diagram),
}
"""By the names of the elements that stand for them."""


def _points(element: etree._Element | None) -> dict[int, str]:
    points: dict[int, str] = {}
    for point in () if element is None else element.iter("{*}pt"):
        value = child(point, "v")
        index = attribute(point, "idx", "0")
        if value is not None and value.text and index.isdecimal() and len(index) < 8:
            points[int(index)] = _figure(value.text)
    return points


def _figure(text: str) -> str:
    """Returns a figure without the noise of binary fractions."""
    try:
        return f"{float(text):.10g}" if "." in text else text
    except ValueError:
        return text


def _span(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 4 else 1
