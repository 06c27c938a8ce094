"""Whether what an answer shows is whole: a code block, a table, a list as it stands in a document,
prose without the marks of Markdown, and no sentence that leads into nothing."""

import re
from collections.abc import Iterable, Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

_PARSER = MarkdownIt("commonmark").enable("table")
_CITATION = re.compile(r"\s*\[\d+\]\s*$")
_RAW = re.compile(
    r"\|\s*:?-{2,}|```|~~~|\{\*|^\s*(?:!!!|\?\?\?|/{3,}|:::|#{1,6}\s)|</?(?:div|details|summary)\b"
    r"|\s\*\s\S|\s-\s\[[ x]\]|\{\s*#[\w-]+\s*\}",
    re.M,
)
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)|<[^>\s][^>]*>")
_WORD = re.compile(r"\w+")


class Blocks:
    """The code blocks, tables and lists of some documents.

    Args:
        sources: Their Markdown.
    """

    def __init__(self, sources: Iterable[str]) -> None:
        self._codes: set[str] = set()
        self._tables: dict[str, set[str]] = {}
        self._lists: set[tuple[str, ...]] = set()
        for source in sources:
            tokens = _PARSER.parse(source)
            self._codes.update(_codes(tokens))
            self._lists.update(_lists(tokens))
            for header, rows in _tables(tokens):
                self._tables.setdefault(header, set()).update(rows)

    def torn_in(self, answer: str) -> list[str]:
        """Returns what is wrong with what an answer shows, a word or two for each fault."""
        tokens = _PARSER.parse(_without_marks(answer))
        found = ["code"] * any(code not in self._codes for code in _codes(tokens))
        for header, rows in _tables(tokens):
            if not set(rows) <= self._tables.get(header, set()):
                found.append("table")
        found += ["list"] * any(one not in self._lists for one in _lists(tokens))
        paragraphs = list(_paragraphs(tokens))
        found += ["raw"] * any(_RAW.search(paragraph) for paragraph in paragraphs)
        last = tokens[-1].type if tokens else ""
        if last == "paragraph_close" and paragraphs and paragraphs[-1].endswith((":", "：")):
            found.append("introduction")
        return found


def shown_kinds(answer: str) -> set[str]:
    """Returns which kinds of block an answer shows: `code`, `table`, `list`."""
    tokens = _PARSER.parse(_without_marks(answer))
    found = {"code": any(_codes(tokens)), "table": any(_tables(tokens))}
    found["list"] = any(_lists(tokens))
    return {kind for kind, is_there in found.items() if is_there}


def _without_marks(answer: str) -> str:
    """Returns an answer without the citations at the ends of its lines."""
    return "\n".join(_CITATION.sub("", line) for line in answer.split("\n"))


def _codes(tokens: Sequence[Token]) -> Iterator[str]:
    for token in tokens:
        if token.type == "fence" and token.content.strip():
            yield "\n".join(line.rstrip() for line in token.content.strip("\n").split("\n"))


def _tables(tokens: Sequence[Token]) -> Iterator[tuple[str, list[str]]]:
    """Yields the header of each table and its rows, as words."""
    rows: list[list[str]] = []
    for token in tokens:
        if token.type == "table_open":
            rows = []
        elif token.type == "tr_open":
            rows.append([])
        elif token.type == "inline" and rows:
            rows[-1].append(token.content)
        elif token.type == "table_close":
            header, *others = (_words(" ".join(row)) for row in rows)
            yield header, others
            rows = []


def _lists(tokens: Sequence[Token]) -> Iterator[tuple[str, ...]]:
    """Yields the items of each list, each by the words of its first paragraph."""
    open_lists: list[list[str]] = []
    waits = False
    for token in tokens:
        if token.type in ("bullet_list_open", "ordered_list_open"):
            open_lists.append([])
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            yield tuple(open_lists.pop())
        elif token.type == "list_item_open":
            waits = True
        elif token.type == "inline" and waits and open_lists:
            open_lists[-1].append(_words(token.content))
            waits = False


def _paragraphs(tokens: Sequence[Token]) -> Iterator[str]:
    """Yields the prose, and what the parser took for headings or raw HTML."""
    in_table = False
    for token in tokens:
        in_table = token.type == "table_open" or (in_table and token.type != "table_close")
        if token.type == "heading_open":
            yield f"{token.markup if token.markup.startswith('#') else '#'} heading"
        elif token.type in ("inline", "html_block") and not in_table:
            yield token.content.strip()


def _words(text: str) -> str:
    return " ".join(_WORD.findall(_LINK.sub(r"\1", text).lower()))
