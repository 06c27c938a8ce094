"""A table whose cells may cover several rows and columns: every place they cover says the same.

A row is read alone, as a chunk or in an answer, so that a cell above it would be missed.
"""

from dataclasses import dataclass, field

from deployments.indexer.formats import bounds

MAX_COLUMN_SPAN = 1_000
MAX_ROW_SPAN = 65_534
"""As HTML has them."""


@dataclass(slots=True)
class SpannedTable:
    """Takes the cells of a table row by row; `rows` is what was placed so far."""

    rows: list[list[str]] = field(default_factory=list)
    _open: dict[int, tuple[str, int]] = field(default_factory=dict)
    """By column: the text that still covers it, and for how many rows."""

    _cells: int = 0

    def start_row(self) -> None:
        """Begins a row, with what covers it from above."""
        self.rows.append([])
        bounds.check_rows(len(self.rows))

    def add(self, text: str, *, columns: int = 1, rows: int = 1) -> None:
        """Adds a cell at the next free place of the row; 0 rows are all that follow."""
        if not self.rows:
            self.start_row()
        self._fill_from_above()
        row = self.rows[-1]
        columns = max(1, min(columns, MAX_COLUMN_SPAN))
        rows = MAX_ROW_SPAN if rows == 0 else max(1, min(rows, MAX_ROW_SPAN))
        for _ in range(columns):
            if rows > 1:
                self._open[len(row)] = (text, rows)
            self._place(text)

    def end_row(self) -> None:
        """Ends a row: the places behind its last cell are filled from above."""
        if not self.rows:
            return
        last = max(self._open, default=-1)
        while len(self.rows[-1]) <= last:
            self._fill_from_above()
            if len(self.rows[-1]) <= last:
                self._place("")
        self._open = {
            column: (text, left - 1) for column, (text, left) in self._open.items() if left > 1
        }

    def _fill_from_above(self) -> None:
        row = self.rows[-1]
        while (covering := self._open.get(len(row))) is not None:
            self._place(covering[0])

    def _place(self, text: str) -> None:
        self.rows[-1].append(text)
        self._cells += 1
        bounds.check_cells(self._cells)
