"""The tables of a web page: those that show cells, and those that lay the page out."""

from selectolax.lexbor import LexborNode

from deployments.indexer.formats.html.lists import integer
from deployments.indexer.formats.markdown_writer import MarkdownWriter, one_paragraph
from deployments.indexer.formats.tables.spans import SpannedTable

_LAYS_OUT = "table, h1, h2, h3, h4, h5, h6, pre"
_MAX_LAYOUTS = 8
"""Tables in tables beyond this depth are not looked at any more: they lay a page out."""


class OpenTables:
    """The tables that are open where a page is walked.

    The outermost that shows cells is written as a table, with those in it as text of its cells; one
    that lays the page out is as if it were not there.
    """

    def __init__(self) -> None:
        self._layouts = 0
        self._table: SpannedTable | None = None
        self._depth = 0  # of the one that is written, and those in it
        self._cell: list[str] = []

    @property
    def are_written(self) -> bool:
        """Whether what comes is the text of a cell."""
        return self._table is not None

    def open(self, node: LexborNode) -> None:
        """Takes the beginning of a table."""
        if self._table is not None:
            self._depth += 1
        elif self._layouts >= _MAX_LAYOUTS or lays_out(node):
            self._layouts += 1
        else:
            self._table, self._depth = SpannedTable(), 1

    def start_row(self) -> None:
        """Takes the beginning of a row."""
        if self._table is not None and self._depth == 1:
            self._table.start_row()

    def add(self, text: str) -> None:
        """Takes a text of the cell that is open."""
        self._cell.append(text)

    def close(self, node: LexborNode, tag: str, writer: MarkdownWriter) -> None:
        """Takes the end of an element; a table is written at its own."""
        table = self._table
        if table is None:
            self._layouts -= tag == "table"
        elif self._depth > 1:
            self._depth -= tag == "table"
        elif tag in ("td", "th"):
            columns = 1 if is_only_cell(node) else integer(node.attributes.get("colspan"), 1)
            table.add(
                one_paragraph(" ".join(self._take_cell())).replace("\n", " "),
                columns=columns,
                rows=integer(node.attributes.get("rowspan"), 1),
            )
        elif tag == "tr":
            table.end_row()
        elif tag == "caption":
            writer.paragraph(" ".join(self._take_cell()))
        elif tag == "table":
            self._table, self._depth = None, 0
            writer.table(table.rows)

    def _take_cell(self) -> list[str]:
        cell, self._cell = self._cell, []
        return cell


def lays_out(table: LexborNode) -> bool:
    """Returns whether a table holds blocks that no cell holds, or says that it shows no data."""
    is_declared = table.attributes.get("role") in ("presentation", "none")
    return is_declared or any(one.mem_id != table.mem_id for one in table.css(_LAYS_OUT))


def is_only_cell(cell: LexborNode) -> bool:
    """Returns whether a cell is the only one of its row."""
    row = cell.parent
    if row is None:
        return False
    sides = (cell.prev, cell.next)
    return not any(side is not None and _has_cell_beside(side, cell) for side in sides)


def _has_cell_beside(side: LexborNode, cell: LexborNode) -> bool:
    is_before = side.next is not None and side.next.mem_id == cell.mem_id
    node: LexborNode | None = side
    while node is not None:
        if node.tag in ("td", "th"):
            return True
        node = node.prev if is_before else node.next
    return False
