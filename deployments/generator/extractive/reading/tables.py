"""Lines of a Markdown table: which they are, and what a row says with the header above it."""

import re
from collections.abc import Sequence

_RULE = re.compile(r"^\s*\|?\s*:?-{1,}:?\s*(?:\|\s*:?-{1,}:?\s*)*\|?\s*$")
_CELL_END = re.compile(r"(?<!\\)\|")


def is_row(line: str) -> bool:
    """Returns whether a line is a row of a table, its header and its rule included."""
    return line.lstrip().startswith("|") or ("|" in line and _RULE.match(line) is not None)


def is_rule(line: str) -> bool:
    """Returns whether a line is the one below a header."""
    return "|" in line and "-" in line and _RULE.match(line) is not None


def cells_of(line: str) -> list[str]:
    """Returns the cells of a row."""
    inside = line.strip().removeprefix("|")
    if inside.endswith("|") and not inside.endswith("\\|"):
        inside = inside[:-1]
    return [cell.replace("\\|", "|").strip() for cell in _CELL_END.split(inside)]


def row_text(cells: Sequence[str], header: Sequence[str]) -> str:
    """Returns what a row says on one line: every value with the name of its column.

    >>> row_text(["queue", "basement-2", ""], ["setting", "value", "since"])
    'setting: queue; value: basement-2'
    """
    names = [*header, *[""] * (len(cells) - len(header))]
    pairs = zip(names, cells, strict=False)
    return "; ".join(f"{name}: {cell}" if name else cell for name, cell in pairs if cell)
