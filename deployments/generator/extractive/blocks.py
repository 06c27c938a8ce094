"""A Markdown passage as blocks, one after the other: text, list items, rows of tables, code.

A passage is a part of a document, so that any block may be torn: what is there of it counts.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "item", "row", "rule", "code", "heading"]

_HEADING = re.compile(r"^#{1,6}\s")
_LIST_ITEM = re.compile(r"^(\s*)([-*+]|\d+[.)])\s+")
_TABLE_RULE = re.compile(r"^[\s|:-]+$")
_LANGUAGE = re.compile(r"^[\w+#.-]{0,20}$")
_MARKUP = re.compile(r"!?\[([^\]]*)\]\([^)]*\)|<[^>\s][^>]*>")
_EMPHASIS = re.compile(r"(?<!\w)(\*\*|__|\*|_)(?=\S)(.+?)(?<=\S)\1(?!\w)")
_FENCES = ("```", "~~~")


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a passage.

    Attributes:
        kind: What it is; `rule` is the line below the header of a table.
        text: What it says, as plain text on one line; empty where nothing is said: of code, rules
            and headings.
        shown: The same as Markdown that may be shown in an answer, without links, images and HTML.
        indent: Characters before it.
    """

    kind: Kind
    text: str
    shown: str
    indent: int = 0


def blocks(passage: str) -> Iterator[Block]:
    """Yields the blocks of a passage in reading order."""
    lines: list[str] = []
    fence: list[str] | None = None
    for line in passage.split("\n"):
        if line.lstrip().startswith(_FENCES):
            if fence is not None:
                yield _code(fence)
                fence = None
                continue
            yield from _said(lines)
            lines, fence = [], [line]
        elif fence is not None:
            fence.append(line)
        elif not line.strip() or _HEADING.match(line) or _TABLE_RULE.match(line):
            yield from _said(lines)
            lines = []
            if line.strip():
                yield Block("rule" if "|" in line else "heading", "", line.strip())
        else:
            if _LIST_ITEM.match(line) or line.lstrip().startswith("|"):
                yield from _said(lines)
                lines = []
            lines.append(line)
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


def _while(following: Sequence[Block], kinds: tuple[Kind, ...], least_indent: int = 0) -> list[str]:
    shown: list[str] = []
    for block in following:
        if block.kind not in kinds or block.indent < least_indent:
            break
        shown.append(block.shown)
    return shown


def _said(lines: Sequence[str]) -> Iterator[Block]:
    """Yields the block of some lines, if there are any."""
    if not lines:
        return
    text = _plain(" ".join(_LIST_ITEM.sub("", line).strip() for line in lines))
    item = _LIST_ITEM.match(lines[0])
    if item is not None:
        indent = len(item.group(1).expandtabs(4))
        yield Block("item", text, f"{' ' * indent}{item.group(2)} {text}", indent)
    elif lines[0].lstrip().startswith("|"):
        yield Block("row", text, text)
    else:
        yield Block("text", text, text, len(lines[0]) - len(lines[0].lstrip()))


def _code(lines: Sequence[str]) -> Block:
    """Returns a block of code from the line of its fence and those after it."""
    indent = len(lines[0]) - len(lines[0].lstrip())
    language = lines[0].strip().lstrip("`~").strip()
    inside = [line[min(indent, len(line) - len(line.lstrip())) :].rstrip() for line in lines[1:]]
    while inside and not inside[-1]:
        inside.pop()
    if not inside:
        return Block("code", "", "", indent)
    opening = "```" + (language if _LANGUAGE.match(language) else "")
    return Block("code", "", "\n".join([opening, *inside, "```"]), indent)


def _plain(text: str) -> str:
    linked = _MARKUP.sub(lambda match: match.group(1) or "", text)
    return _EMPHASIS.sub(r"\2", linked).replace("`", "").strip()
