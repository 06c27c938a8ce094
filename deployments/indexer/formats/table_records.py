"""A table as records: a paragraph per row, each value on a line after its column's name.

The names are repeated because a table is cut into chunks, and a row alone cannot be understood.
Decided here is which row holds the names: above it may stand titles, dates and notes.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import chain, islice

from deployments.indexer.formats import bounds

Row = Mapping[int, str]
"""The filled cells of a row by the number of their column, from 0, in order."""


class SectionTitle(dict[int, str]):
    """A row that one cell covers, such as the title of a section of the table."""


_SAMPLE_ROWS = 100
_MAX_TITLE_ROWS = 30
_NUMBER_OR_DATE = re.compile(
    r"[-+(]?[\s$€£¥]*\d[\d.,' ]*\s*[%€$£)]?|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[ T]\d.*)?|\d+:\d\d.*"
)


def render_records(rows: Iterable[Row]) -> str:
    """Returns a table as records; rows above the one with the names come first, as they stand.

    Empty cells, rows and columns leave nothing.

    Raises:
        InvalidRequest: There are more characters than one document may have.
    """
    filled = (row for row in rows if row)
    head = list(islice(filled, _SAMPLE_ROWS))
    at = find_header(head)
    header = head[at] if head else {}
    names = {column: text[: bounds.MAX_LABEL_CHARS] for column, text in header.items()}
    body = chain(head[at + 1 :], filled)
    records = (_record(row, names) for row in body)
    text = bounds.join_bounded(chain(map(_as_title, head[:at]), records), "\n\n")
    return text or ", ".join(names.values())


def find_header(rows: list[Row]) -> int:
    """Returns which of the first rows names the columns: the first that is as wide as the table.

    A title, or a date with its label, is shorter than the rows below it. Where no row is left to
    be named, the first one counts.
    """
    widths = Counter(_width(row) for row in rows)
    usual = max(widths, key=lambda width: (widths[width], width), default=0)
    for index, row in enumerate(rows[:_MAX_TITLE_ROWS]):
        if not _is_title(row, usual):
            return index if index < len(rows) - 1 else 0
    return 0


def _width(row: Row) -> int:
    return 1 if isinstance(row, SectionTitle) else len(row)


def _is_title(row: Row, usual: int) -> bool:
    width = _width(row)
    if usual < 2 or width >= usual:
        return False
    cells = list(row.values())
    is_labelled = cells[0].rstrip().endswith(":")
    has_values = any(_NUMBER_OR_DATE.fullmatch(cell) for cell in cells[1:])
    return width == 1 or width * 2 <= usual or is_labelled or has_values


def _as_title(row: Row) -> str:
    return " ".join(dict.fromkeys(row.values()))


def _record(row: Row, names: Row) -> str:
    if isinstance(row, SectionTitle):
        return _as_title(row)
    return "\n".join(
        f"{names.get(column) or f'column {column + 1}'}: {value}" for column, value in row.items()
    )
