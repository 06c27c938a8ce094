"""A passage as blocks, one after the other: text, list items, rows of tables, records, code.

A passage is a part of a document, so that any block may be torn: what is there of it counts. In a
plain passage nothing is a heading, a table or code, whatever its lines begin with.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Literal

from deployments.contracts.documents import Markup
from deployments.contracts.fences import CONTINUED, CONTINUED_INSIDE, GOES_ON, TORN
from deployments.generator.extractive.reading.marks import without_marks
from deployments.generator.extractive.reading.plain_text import as_shown, as_text
from deployments.generator.extractive.reading.tables import cells_of, is_row, is_rule, row_text

Kind = Literal["text", "item", "row", "rule", "record", "code", "heading", "include"]

_HEADING = re.compile(r"^#{1,6}\s+(?P<title>.*?)\s*#*$")
_BREAK = re.compile(r"^\s*([-*_=])(\s*\1)*\s*$")
_UNDERLINE = re.compile(r"^(=+|-{2,})\s*$")
_LIST_ITEM = re.compile(r"^(\s*)([-*+]|\d+[.)])\s+")
_PAIR = re.compile(r"^\s*[^\s:：][^:：]{0,60}(?::\s+|：\s*)\S")
"""A line that says one thing by its name, such as `Port: 8443`."""
_LANGUAGE = re.compile(r"^[\w+#.-]{1,20}(?=\s|$)")
_MARK_LINE = re.compile(
    r"^\s*(?:!!!|\?\?\?\+?|/{3,}|:{3,})(?:\s|$|\w)|^\s*\.\. \w+::\s*$|^\s*>?\s*\[!\w+\]\s*$"
)
"""A line that opens or closes a note, or names what kind of note it is, and says nothing."""
_INCLUDE = re.compile(r"^\s*(?:\{\*.*\*\}|\{%.*%\}|--8<--.*|\.\. (?:literal)?include::.*)\s*$")
"""A line in whose place a site shows a file that is not there."""
_ATTRIBUTES = re.compile(r"\s*\{\s*[#.][^{}]*\}\s*$")
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
        marker: What a list item begins with.
        language: That of code.
        is_torn: Whether the passage holds a part of it only.
    """

    kind: Kind
    text: str
    shown: str
    indent: int = 0
    marker: str = ""
    language: str = ""
    is_torn: bool = False


def blocks(passage: str, markup: Markup = "markdown") -> list[Block]:
    """Returns the blocks of a passage in reading order; those at its edges are torn where it says
    so, with all items or rows that go with them."""
    if markup == "plain":
        return list(_plain_blocks(passage))
    lines = passage.strip("\n").split("\n")
    begins_torn, ends_torn = lines[0] == TORN, len(lines) > 1 and lines[-1] == TORN
    inner = "\n".join(lines[begins_torn : len(lines) - ends_torn])
    found = [block for block in _blocks(inner) if block.kind != "text" or block.text]
    if found and (begins_torn or found[0].is_torn):
        found = _torn(found, 1)
    return _torn(found[::-1], 1)[::-1] if found and ends_torn else found


def _torn(found: Sequence[Block], count: int) -> list[Block]:
    """Returns blocks of which the first one is torn, with those that are of one list or table."""
    kinds = next((kinds for kinds in (("item",), ("row", "rule")) if found[0].kind in kinds), ())
    while count < len(found) and found[count].kind in kinds:
        count += 1
    return [replace(block, is_torn=True) for block in found[:count]] + list(found[count:])


def _blocks(passage: str) -> Iterator[Block]:
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
        elif _INCLUDE.match(line):
            yield from _said(lines)
            lines = []
            yield Block("include", "", "")
        elif is_row(line):
            yield from _said(lines)
            lines = []
            if is_rule(line):
                yield Block("rule", "", line.strip())
                continue
            if is_rule(source[place + 1] if place + 1 < len(source) else ""):
                header = cells_of(line)
                yield Block("row", "", as_shown(line.strip()))
            else:
                said = as_text(row_text(cells_of(line), header))
                yield Block("row", said, as_shown(line.strip()))
            continue
        elif (
            not line.strip() or _HEADING.match(line) or _BREAK.match(line) or _MARK_LINE.match(line)
        ):
            if len(lines) == 1 and _UNDERLINE.match(line) and not _LIST_ITEM.match(lines[0]):
                yield Block("heading", as_text(lines[0].strip()), lines[0].strip())
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
    block = shown_block(following, least_indent=by.indent + 1 if by.kind == "item" else 0)
    return "" if block is None or block.is_torn else block.shown


def shown_block(following: Sequence[Block], *, least_indent: int = 0) -> Block | None:
    """Returns the code, the whole table or the whole list with which some blocks begin as one
    block; None where they begin with something else.

    Args:
        following: The blocks.
        least_indent: Of the items of a list.
    """
    if not following:
        return None
    first = following[0]
    if first.kind == "code":
        return first if first.shown else None
    if first.kind in ("row", "rule"):
        members = _while(following, lambda block: block.kind in ("row", "rule"))
    elif first.kind == "item" and first.indent >= least_indent:
        # Text and code that are indented below an item are parts of it.
        members = _while(
            following,
            lambda block: (
                block.indent >= least_indent
                if block.kind == "item"
                else block.kind in ("text", "code") and block.indent > first.indent
            ),
        )
    else:
        return None
    is_list = first.kind == "item"
    return Block(
        first.kind,
        " ".join(block.text for block in members if block.text),
        _listed(members) if is_list else "\n".join(one.shown for one in members),
        first.indent,
        first.marker,
        is_torn=any(block.is_torn for block in members),
    )


def _listed(members: Sequence[Block]) -> str:
    """Returns a list with its own indentation taken away, and what is indented below its items
    behind an empty line."""
    least = min(item.indent for item in members if item.kind == "item")
    lines: list[str] = []
    for block in members:
        if block.kind == "item":
            lines.append(block.shown[least:])
        else:
            space = " " * (block.indent - least)
            lines += ["", *(f"{space}{line}".rstrip() for line in block.shown.split("\n")), ""]
    return "\n".join(lines).strip("\n")


def is_pair(text: str) -> bool:
    """Returns whether a line says one thing by its name."""
    return _PAIR.match(text) is not None


def _while(following: Sequence[Block], belongs: Callable[[Block], bool]) -> list[Block]:
    return list(takewhile(belongs, following))


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
    if line.strip() and not _MARK_LINE.match(line):
        title = _HEADING.match(line)
        said = as_text(_ATTRIBUTES.sub("", title["title"])) if title else ""
        yield Block("heading", said, line.strip())


def _said(lines: Sequence[str], plain: Callable[[str], str] | None = None) -> Iterator[Block]:
    """Yields the block of some lines, if there are any."""
    if not lines:
        return
    is_markdown = plain is None
    plain = plain or as_text
    item = _LIST_ITEM.match(lines[0])
    if item is None and len(lines) > 1 and all(map(_PAIR.match, lines)):
        pairs = [plain(line.strip()).rstrip(";,") for line in lines]
        yield Block("record", "; ".join(pairs), "\n".join(pairs))
        return
    source = " ".join(
        (_LIST_ITEM.sub("", line, count=1) if not place else line).strip()
        for place, line in enumerate(lines)
    )
    is_torn = item is not None and source.startswith(GOES_ON)
    source = source.removeprefix(GOES_ON) if is_torn else source
    text = plain(source)
    if item is not None:
        indent = len(item.group(1).expandtabs(4))
        shown = as_shown(source) if is_markdown else text
        marker = item.group(2)
        yield Block(
            "item", text, f"{' ' * indent}{marker} {shown}", indent, marker, is_torn=is_torn
        )
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
    is_torn = info.endswith((CONTINUED, CONTINUED_INSIDE))
    info = info.removesuffix(CONTINUED).removesuffix(CONTINUED_INSIDE)
    language = _LANGUAGE.match(info)
    inside = [line[min(indent, len(line) - len(line.lstrip())) :].rstrip() for line in lines[1:]]
    while inside and not inside[-1]:
        inside.pop()
    if not inside:
        return Block("code", "", "", indent)
    name = language.group() if language else ""
    marks = "````" if any(line.lstrip().startswith("```") for line in inside) else "```"
    shown = "\n".join([f"{marks}{name}", *inside, marks])
    return Block("code", "", shown, indent, language=name, is_torn=is_torn)


def _unmarked(text: str) -> str:
    return without_marks(text).strip()
