"""What a table of a web page is for: to show cells, or to lay the page out."""

from selectolax.lexbor import LexborNode

_LAYS_OUT = "table, h1, h2, h3, h4, h5, h6, pre"


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
