"""Writes blocks as Markdown: headings, paragraphs, lists, code and tables, and nothing inside them.

There is no emphasis and no escape inside a line: what stands in a line is what a person reads, so
that words are found and quoted as they are. Only a line that would open a block that is none gets
a backslash before it.
"""

import re
from collections.abc import Sequence

from deployments.indexer.formats import bounds

_OPENS_BLOCK = re.compile(r"^(?=#{1,6}(?:\s|$)|`{3}|~{3}|=+\s*$|-{2,}\s*$)", re.M)
_BLANKS = re.compile(r"[^\S\n]+")
_LINE_ENDS = re.compile(r" ?(?:\n ?)+")
_FENCES = re.compile(r"`{3,}")
_LANGUAGE = re.compile(r"[\w+#.-]{1,20}")
_INDENT = "    "
_MAX_DEPTH = 8
"""Deeper list items are shown at this depth: a line of blanks says nothing."""


def one_paragraph(text: str) -> str:
    """Returns the text with single blanks, its line ends kept and none of its lines empty."""
    return _LINE_ENDS.sub("\n", _BLANKS.sub(" ", text)).strip()


class MarkdownWriter:
    """Takes the blocks of a document in order; `text` gives them as Markdown."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._chars = 0
        self._follows_item = False
        self.first_heading = ""

    def heading(self, level: int, text: str) -> None:
        """Adds a heading on one line."""
        line = " ".join(text.split())
        if line:
            self.first_heading = self.first_heading or line
            self._add(f"{'#' * max(1, min(level, 6))} {line}")

    def paragraph(self, text: str) -> None:
        """Adds a paragraph; its line ends stay."""
        text = one_paragraph(text)
        if text:
            self._add(_OPENS_BLOCK.sub(r"\\", text))

    def item(self, text: str, *, marker: str, depth: int) -> None:
        """Adds an item of a list, or with an empty marker a line that goes on with one.

        Args:
            text: What it says.
            marker: "-", "1.", "b)" or the like.
            depth: 0 for an outermost list.
        """
        indent = _INDENT * min(depth, _MAX_DEPTH)
        own = f"{marker} " if marker else "  "
        lines = [line for line in one_paragraph(text).split("\n") if line]
        if lines:
            hanging = f"\n{indent}  "
            self._add(indent + own + hanging.join(lines), is_item=True)

    def end_list(self) -> None:
        """Ends a list: an item that follows is one of another list."""
        self._follows_item = False

    def code(self, text: str, *, language: str = "") -> None:
        """Adds a block of code in a fence that is longer than any in it."""
        text = text.strip("\n").rstrip()
        if text.strip():
            longest = max((len(run) for run in _FENCES.findall(text)), default=2)
            fence = "`" * (longest + 1)
            name = language if _LANGUAGE.fullmatch(language) else ""
            self._add(f"{fence}{name}\n{text}\n{fence}")

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Adds a table whose first row is its header; one of a single column becomes paragraphs."""
        filled = [row for row in rows if any(row)]
        width = max((len(row) for row in filled), default=0)
        if width < 2:
            for row in filled:
                self.paragraph(row[0])
            return
        bounds.check_cells(width * len(filled))
        lines = [_pipe_row(row, width) for row in filled]
        lines.insert(1, "|" + " --- |" * width)
        self._add(bounds.join_bounded(lines, "\n"))

    def text(self) -> str:
        """Returns what was added."""
        return "".join(self._pieces)

    def _add(self, piece: str, *, is_item: bool = False) -> None:
        separator = "\n" if is_item and self._follows_item else "\n\n"
        self._pieces.append(f"{separator if self._pieces else ''}{piece}")
        self._chars += len(piece) + 2
        self._follows_item = is_item
        bounds.check_chars(self._chars)


def _pipe_row(row: Sequence[str], width: int) -> str:
    cells = [" ".join(cell.split()).replace("|", "\\|") for cell in row]
    return "| " + " | ".join([*cells, *[""] * (width - len(cells))]) + " |"
