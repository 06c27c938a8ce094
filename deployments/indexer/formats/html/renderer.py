"""Writes the tree of a web page as Markdown, walking it without recursion: pages may be deep.

Attributes give nothing but the description of an image, the language of code, the numbers of a
list, the spans of a table and what stands in the fields of a form. Tables that only lay a page out
are read as their content.
"""

import re
from collections.abc import Callable

from selectolax.lexbor import LexborNode

from deployments.indexer.formats.html.definitions import Terms
from deployments.indexer.formats.html.elements import (
    BLOCK,
    CODE,
    HEADINGS,
    INLINE,
    LISTS,
    PREFORMATTED,
    STRUCK,
    UNSEEN,
)
from deployments.indexer.formats.html.formulas import formula_text
from deployments.indexer.formats.html.lists import Attributes, ListMarkers
from deployments.indexer.formats.html.shown import drawing_text, field_value
from deployments.indexer.formats.html.tables import OpenTables
from deployments.indexer.formats.markdown_writer import MarkdownWriter
from deployments.indexer.formats.scripts import lowered, raised

_BLANK = re.compile(r"[ \t\n\r\f\v]+")
_HIDING = re.compile(r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)\b", re.I)
_READS_AS_MARKUP = re.compile(r"<|\*|(?<!\w)_|_(?!\w)")
_LANGUAGE = re.compile(r"\b(?:language|lang|highlight-source)-([\w+#.-]+)")
_APART_FROM_TERMS = LISTS | PREFORMATTED | HEADINGS.keys() | {"table", "dl"}
"""What does not go on in the line of the term that it is said of."""


class HtmlRenderer:
    """Renders one page; `text` gives it, `hidden_count` says how many elements hid themselves."""

    def __init__(self, *, shows_hidden: bool = False) -> None:
        self.hidden_count = 0
        self._shows_hidden = shows_hidden
        self._writer = MarkdownWriter()
        self._line: list[str] = []
        self._marks: list[int] = []
        self._lists: list[ListMarkers] = []
        self._item: str | None = None  # the marker of the open item; "" once it was written
        self._terms = Terms()
        self._preformatted = 0
        self._tables = OpenTables()

    def text(self) -> str:
        """Returns the page as Markdown."""
        return self._writer.text()

    def render(self, root: LexborNode) -> None:
        """Writes an element with all that is in it."""
        above: list[LexborNode] = []
        node: LexborNode | None = root
        while node is not None or above:
            if node is None:
                node = above.pop()
                self._leave(node, node.tag or "")
            elif self._enter(node, node.tag or ""):
                above.append(node)
                node = node.child
                continue
            node = node.next if above else None
        self._flush()
        self._flush_terms()

    def _enter(self, node: LexborNode, tag: str) -> bool:
        """Takes what comes before an element's content; returns whether its content is read."""
        if tag == "-text":
            text = node.text_content or ""
            self._line.append(text if self._preformatted else _BLANK.sub(" ", text))
            return False
        if tag.startswith(("-", "!")):
            return tag in ("-document", "-undef")
        if tag in UNSEEN:
            return False
        attributes = node.attributes
        if _says_it_again(attributes) or self._is_hidden(attributes):
            if tag == "dd":
                self._flush_terms()
            return False
        if tag == "math":
            self._add_formula(node)
            return False
        if tag == "svg":
            self._line.append(f" {drawing_text(node)} ")
            return False
        if tag == "br":
            self._line.append("\n")
        elif tag == "img":
            self._line.append(f" {_BLANK.sub(' ', node.attributes.get('alt') or '')} ")
        elif tag in BLOCK:
            self._open_block(node, tag)
        else:
            self._open_inline(node, tag)
        return tag not in ("br", "img")

    def _leave(self, node: LexborNode, tag: str) -> None:
        if tag in BLOCK:
            self._close_block(node, tag)
        elif not tag.startswith(("-", "!")):
            self._close_inline(node, tag)

    def _is_hidden(self, attributes: Attributes) -> bool:
        if self._shows_hidden:
            return False
        hidden = attributes.get("hidden", "until-found")
        is_hidden = hidden != "until-found" or _HIDING.search(attributes.get("style") or "")
        if attributes.get("role") == "tabpanel":  # one click away, and as much content as the rest
            return False
        self.hidden_count += bool(is_hidden)
        return bool(is_hidden)

    def _add_formula(self, node: LexborNode) -> None:
        stands_apart = node.attributes.get("display") == "block"
        if stands_apart:
            self._flush()
        self._line.append(formula_text(node))
        if stands_apart:
            self._flush()

    def _open_inline(self, node: LexborNode, tag: str) -> None:
        if tag in ("sup", "sub") or tag in CODE or tag in STRUCK:
            self._marks.append(len(self._line))
        elif tag == "q":
            self._line.append("“")
        elif tag not in INLINE:
            self._line.append(" ")

    def _close_inline(self, node: LexborNode, tag: str) -> None:
        if tag == "sup":
            self._close_mark(raised)
        elif tag == "sub":
            self._close_mark(lowered)
        elif tag in CODE:
            self._close_mark(_quoted)
        elif tag in STRUCK:
            self._close_mark(_struck)
        elif tag == "q":
            self._line.append("”")
        elif tag not in INLINE:
            self._line.append(" ")

    def _close_mark(self, write: Callable[[str, str], str]) -> None:
        start = min(self._marks.pop(), len(self._line))
        content = "".join(self._line[start:])
        del self._line[start:]
        before = next((piece for piece in reversed(self._line) if piece), "")
        self._line.append(write(before, content) if not self._preformatted else content)

    def _open_block(self, node: LexborNode, tag: str) -> None:
        self._flush()
        if tag in _APART_FROM_TERMS:
            self._flush_terms()
        if tag in LISTS:
            self._lists.append(ListMarkers(tag, node.attributes, _count_items(node)))
        elif tag == "input":
            self._line.append(field_value(node.attributes))
        elif tag == "li":
            self._item = self._lists[-1].next(node.attributes) if self._lists else "-"
        elif tag in PREFORMATTED:
            self._preformatted += 1
        elif tag == "table":
            self._tables.open(node)
        elif tag == "tr":
            self._tables.start_row()

    def _close_block(self, node: LexborNode, tag: str) -> None:
        if tag in HEADINGS and not self._tables.are_written:
            self._writer.heading(HEADINGS[tag], "".join(self._take()))
        elif tag in PREFORMATTED:
            self._preformatted -= 1
            self._close_code(node)
        elif tag == "dt" and node.parent is not None and node.parent.tag in ("dl", "div"):
            self._terms.add("".join(self._take()))
        else:
            self._flush()
        if tag in ("dd", "dl"):
            self._flush_terms()
        if tag in LISTS and self._lists:
            self._lists.pop()
            self._item = "" if self._lists else None
            if not self._lists:
                self._writer.end_list()
        elif tag == "li":
            self._item = "" if len(self._lists) > 1 else None
        else:
            self._tables.close(node, tag, self._writer)

    def _take(self) -> list[str]:
        line, self._line = self._line, []
        return line

    def _flush(self) -> None:
        """Writes the line that is open, as what it stands in."""
        text = "".join(self._take())
        if text and not text.isspace():
            for paragraph in self._terms.lead(text):
                self._write(paragraph)

    def _flush_terms(self) -> None:
        """Writes the terms that wait, as nothing that stands beside them is said of them."""
        if terms := self._terms.take():
            self._write(terms)

    def _write(self, text: str) -> None:
        if self._tables.are_written:
            self._tables.add(text)
        elif self._item is not None:
            self._writer.item(text, marker=self._item, depth=max(0, len(self._lists) - 1))
            self._item = ""
        else:
            self._writer.paragraph(text)

    def _close_code(self, node: LexborNode) -> None:
        if self._preformatted or self._tables.are_written:
            self._flush()
            return
        code = node.css_first("code")
        names = f"{node.attributes.get('class') or ''} "
        names += (code.attributes.get("class") or "") if code is not None else ""
        language = _LANGUAGE.search(names)
        text = "".join(self._take())
        self._writer.code(text, language=language[1] if language else "")


def _count_items(node: LexborNode) -> int:
    """Returns the number of items of a list that counts backwards, the only one that needs it."""
    if "reversed" not in node.attributes:
        return 0
    return sum(child.tag == "li" for child in node.iter())


def _says_it_again(attributes: Attributes) -> bool:
    """Returns whether an element draws what MathML beside it says."""
    return "katex-html" in (attributes.get("class") or "").split()


def _quoted(before: str, content: str) -> str:
    """Returns code as it stands; in backticks where it would be taken for markup."""
    stands_apart = not before[-1:].isalnum()
    needs_quotes = stands_apart and "`" not in content and _READS_AS_MARKUP.search(content)
    return f"`{content.strip()}`" if needs_quotes else content


def _struck(before: str, content: str) -> str:
    """Returns struck text with its marks, apart from what stands in its place."""
    text = content.strip()
    return f"{' ' if before[-1:].strip() else ''}~~{text}~~ " if text else content
