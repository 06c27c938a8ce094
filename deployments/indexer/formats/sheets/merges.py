"""Merged cells of a sheet: each place that a merge covers says what its first cell says."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from deployments.indexer.formats import bounds
from deployments.indexer.formats.sheets.cells import cell_position
from deployments.indexer.formats.tables.records import Row, SectionTitle

_MERGE = re.compile(rb"<(?:\w+:)?mergeCell\s[^>]{0,200}?ref\s*=\s*[\"']([A-Za-z0-9$:]{1,40})[\"']")


@dataclass(slots=True)
class Merge:
    """A rectangle of cells; rows count from 1, columns from 0, both ends belong to it."""

    first_row: int
    last_row: int
    first_column: int
    last_column: int
    text: str = ""


def find_merges(content: bytes) -> list[Merge]:
    """Returns the merged cells of a sheet's XML, from the first row on.

    They stand behind the rows, so they are looked for before these are read.
    """
    merges: list[Merge] = []
    for match in _MERGE.finditer(content) if b"mergeCell" in content else ():
        first, _, last = match[1].decode("ascii").partition(":")
        start, end = cell_position(first), cell_position(last or first)
        if start and end:
            merges.append(Merge(start[0], end[0], start[1], end[1]))
    return sorted(merges, key=lambda merge: (merge.first_row, merge.first_column))


def fill_merged(rows: Iterable[tuple[int, dict[int, str]]], merges: list[Merge]) -> Iterator[Row]:
    """Yields the rows with merged cells filled, where a row has cells of its own.

    A row of one cell that is merged across the row is the title of a section. Rows without cells
    leave one empty row.
    """
    waiting = merges[::-1]
    active: list[Merge] = []
    cell_count = last = 0
    for number, row in rows:
        if last and number > last + 1:
            yield {}
        last = number
        while waiting and waiting[-1].first_row <= number:
            active.append(waiting.pop())
        active = [merge for merge in active if merge.last_row >= number]
        cell_count += len(active)
        is_title = False
        filled = dict(row)
        for merge in active:
            if merge.first_row == number:
                merge.text = row.get(merge.first_column, "")
                if len(row) == 1 and merge.text and merge.first_column < merge.last_column:
                    is_title = True
            columns = range(merge.first_column, min(merge.last_column + 1, bounds.MAX_COLUMNS))
            if merge.text and not is_title:
                cell_count += len(columns)
                bounds.check_cells(cell_count)
                for column in columns:
                    filled.setdefault(column, merge.text)
        bounds.check_cells(cell_count)
        yield SectionTitle(row) if is_title else dict(sorted(filled.items()))
