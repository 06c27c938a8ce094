"""A passage as blocks, one after the other: text, list items, rows of tables, records, code.

A passage is a part of a document, so that any block may be torn: what is there of it counts. In a
plain passage nothing is a heading, a table or code, whatever its lines begin with.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from deployments.contracts.documents import Markup
from deployments.contracts.fences import CONTINUED
from deployments.generator.extractive.marks import without_marks
from deployments.generator.extractive.tables import cells_of, is_row, is_rule, row_text

Kind = Literal["text", "item", "row", "rule", "record", "code", "heading"]

_HEADING = re.compile(r"^#{1,6}\s+(?P<title>.*?)\s*#*$")
_BREAK = re.compile(r"^\s*([-*_=])(\s*\1)*\s*$")
_UNDERLINE = re.compile(r"^(=+|-{2,})\s*$")
_LIST_ITEM = re.compile(r"^(\s*)([-*+]|\d+[.)])\s+")
_PAIR = re.compile(r"^\s*[^\s:：][^:：]{0,60}(?::\s+|：\s*)\S")
"""A line that says one thing by its name, such as `Port: 8443`."""
_LANGUAGE = re.compile(r"^[\w+#.-]{1,20}(?=\s|$)")
_MARKUP = re.compile(r"!?\[([^\]]*)\]\([^)]*\)|<[^>\s][^>]*>")
_EMPHASIS = re.compile(r"(?<!\w)(\*\*|__|\*|_)(?=\S)(.+?)(?<=\S)\1(?!\w)")
_FENCES = ("```", "~~~")


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a passage.

    Attributes:
        kind: What it is; `rule` is the line below the header of a table, `record` are lines that
            each say one thing by its name.
        text: What it says, as plain text on one line; empty where nothing is said: of code, rules,
            and the header of a table.
        shown: The same as Markdown that may be shown in an answer, without links, images and HTML.
        indent: Characters before it.
    """

    kind: Kind
    text: str
    shown: str
    indent: int = 0


def blocks(passage: str, markup: Markup = "markdown") -> Iterator[Block]:
    """Yields the blocks of a passage in reading order."""
    if markup == "plain":
        yield from _plain_blocks(passage)
        return
    lines: list[str] = []
    fence: list[str] | None = None
    header: Sequence[str] = ()
    source = passage.split("\n")
    for place, line in enumerate(source):
        if fence is not None:
            fence.append(line)
            if _closes(line, fence[0]):
                yield _code(fence[:-1])
                fence = None
            continue
        if line.lstrip().startswith(_FENCES):
            yield from _said(lines)
            lines, fence = [], [line]
        elif is_row(line):
            yield from _said(lines)
            lines = []
            if is_rule(line):
                yield Block("rule", "", line.strip())
                continue
            if is_rule(source[place + 1] if place + 1 < len(source) else ""):
                header = cells_of(line)
                yield Block("row", "", _plain(line))
            else:
                yield Block("row", _plain(row_text(cells_of(line), header)), _plain(line))
            continue
        elif not line.strip() or _HEADING.match(line) or _BREAK.match(line):
            if len(lines) == 1 and _UNDERLINE.match(line) and not _LIST_ITEM.match(lines[0]):
                yield Block("heading", _plain(lines[0]), lines[0].strip())
            else:
                yield from _said(lines)
                yield from _heading(line)
            lines = []
        else:
            if _LIST_ITEM.match(line):
                yield from _said(lines)
                lines = []
            lines.append(line)
        header = ()
    yield from _said(lines)
    if fence is not None:
        yield _code(fence)


def introduced(following: Sequence[Block], *, by: Block) -> str:
    """Returns, as Markdown, the code, the table or the list that a block leads into; empty where
    something else follows, or nothing.

    Args:
        following: The blocks after it.
        by: The block. Of a list below an item only the items that are indented belong to it.
    """
    if not following:
        return ""
    first = following[0]
    if first.kind == "code":
        return first.shown
    if first.kind in ("row", "rule"):
        return "\n".join(_while(following, ("row", "rule")))
    if first.kind == "item":
        least = by.indent + 1 if by.kind == "item" else 0
        return "\n".join(_while(following, ("item",), least_indent=least))
    return ""


def is_pair(text: str) -> bool:
    """Returns whether a line says one thing by its name."""
    return _PAIR.match(text) is not None


def _while(following: Sequence[Block], kinds: tuple[Kind, ...], least_indent: int = 0) -> list[str]:
    shown: list[str] = []
    for block in following:
        if block.kind not in kinds or block.indent < least_indent:
            break
        shown.append(block.shown)
    return shown


def _plain_blocks(passage: str) -> Iterator[Block]:
    lines: list[str] = []
    for line in passage.split("\n"):
        if not line.strip() or _LIST_ITEM.match(line):
            yield from _said(lines, _unmarked)
            lines = []
        if line.strip():
            lines.append(line)
    yield from _said(lines, _unmarked)


def _heading(line: str) -> Iterator[Block]:
    """Yields the heading of a line; a line between paragraphs is one that says nothing."""
    if line.strip():
        title = _HEADING.match(line)
        yield Block("heading", _plain(title["title"]) if title else "", line.strip())


def _said(lines: Sequence[str], plain: Callable[[str], str] | None = None) -> Iterator[Block]:
    """Yields the block of some lines, if there are any."""
    if not lines:
        return
    plain = plain or _plain
    item = _LIST_ITEM.match(lines[0])
    if item is None and len(lines) > 1 and all(map(_PAIR.match, lines)):
        pairs = [plain(line.strip()).rstrip(";,") for line in lines]
        yield Block("record", "; ".join(pairs), "\n".join(pairs))
        return
    text = plain(" ".join(_LIST_ITEM.sub("", line, count=1).strip() for line in lines))
    if item is not None:
        indent = len(item.group(1).expandtabs(4))
        yield Block("item", text, f"{' ' * indent}{item.group(2)} {text}", indent)
    else:
        yield Block("text", text, text, len(lines[0]) - len(lines[0].lstrip()))


def _closes(line: str, opening: str) -> bool:
    """Returns whether a line ends the code that another one opened."""
    mark = opening.lstrip()[0]
    length = len(opening.lstrip()) - len(opening.lstrip().lstrip(mark))
    rest = line.strip()
    return len(rest) >= length and not rest.strip(mark)


def _code(lines: Sequence[str]) -> Block:
    """Returns a block of code from the line of its fence and those after it."""
    indent = len(lines[0]) - len(lines[0].lstrip())
    info = lines[0].strip().lstrip("`~").strip()
    language = _LANGUAGE.match(info.removesuffix(CONTINUED))
    inside = [line[min(indent, len(line) - len(line.lstrip())) :].rstrip() for line in lines[1:]]
    while inside and not inside[-1]:
        inside.pop()
    if not inside:
        return Block("code", "", "", indent)
    opening = "```" + (language.group() if language else "")
    return Block("code", "", "\n".join([opening, *inside, "```"]), indent)


def _plain(text: str) -> str:
    linked = _MARKUP.sub(lambda match: match.group(1) or "", text)
    return _EMPHASIS.sub(r"\2", without_marks(linked)).replace("`", "").strip()


def _unmarked(text: str) -> str:
    return without_marks(text).strip()
