"""HTML that stands in Markdown, as its readers see it: comments go, a raised 6 is no digit of the
number before it, and tables, pictures and headings of READMEs are Markdown.

Code stays as it stands; the parser of CommonMark says which lines are code and which are HTML.
"""

import html
import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from deployments.indexer.formats.enclosed import replace_enclosed
from deployments.indexer.formats.html.elements import TAGS
from deployments.indexer.formats.scripts import lowered, raised

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_HINT = re.compile(r"<[A-Za-z/!]|&[A-Za-z#]")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_CODE = re.compile(r"(?<!`)(`+)(?!`)[^\n]{0,2000}?(?<!`)\1(?!`)")
_SCRIPT = re.compile(r"<(sup|sub)>([^<>\n]{0,200})</\1>", re.I)
_ATTRIBUTE = r"[ \t]+[A-Za-z_:][\w.:-]*(?:[ \t]*=[ \t]*(?:\"[^\"\n]*\"|'[^'\n]*'|[^\s\"'=<>`]+))?"
_TAG = re.compile(rf"(?<!\\)</?([A-Za-z][A-Za-z0-9]*)(?:{_ATTRIBUTE})*+[ \t]*/?>")
"""As CommonMark knows one; `n <s * 2, s> 1` is none."""
_ALT = re.compile(r"\balt\s*=\s*(?:\"([^\"<>\n]*)\"|'([^'<>\n]*)')", re.I)
_HOLDS_MARKDOWN = re.compile(r"\s*<[^<>]*\smarkdown\b")
"""An attribute of MkDocs and Kramdown."""
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_MARKUP = frozenset("<>&`*_[]()|\\#~^$!+-=")
"""What an entity keeps from being markup stays one."""


def show_html(text: str) -> str:
    """Returns a Markdown text without HTML but in its code.

    Raises:
        InvalidRequest: A piece has too many levels, or a tag too many attributes.
    """
    return "".join(_pieces(text)) if _HINT.search(text) else text


@cache
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark").enable("table")
    parser.core.ruler.disable("inline")
    return parser


def _pieces(text: str) -> Iterator[str]:
    """Yields the text in stretches of prose, code and HTML."""
    lines = _LINE.findall(text)
    place = 0
    for token in _parser().parse(text.replace("\r", " ")):
        if token.type not in ("fence", "code_block", "html_block") or token.map is None:
            continue
        begin, end = token.map
        if begin < place:
            continue
        yield _show_inline("".join(lines[place:begin]))
        block = "".join(lines[begin:end])
        yield _show_block(block, token.content) if token.type == "html_block" else block
        place = end
    yield _show_inline("".join(lines[place:]))


def _show_block(block: str, content: str) -> str:
    """Returns a block of HTML as Markdown; one of elements that no browser knows, one that says it
    holds Markdown, or one inside a quote or a list, without its tags."""
    from deployments.indexer.formats.html.fragments import first_tag, fragment_text

    is_comment = content.lstrip().startswith(("<!", "<?"))
    is_html = is_comment or (first_tag(content) in TAGS and not _HOLDS_MARKDOWN.match(content))
    if block.strip() != content.strip() or not is_html:
        return _show_inline(block)
    shown = fragment_text(content)
    return f"{shown}\n\n" if shown else "\n"


def _show_inline(text: str) -> str:
    """Returns prose without comments, known tags and entities that are no markup."""
    if not _HINT.search(text):
        return text
    shown, place = [], 0
    for code in _CODE.finditer(text) if "`" in text else ():
        shown += [_show_prose(text[place : code.start()]), code.group()]
        place = code.end()
    return "".join([*shown, _show_prose(text[place:])])


def _show_prose(text: str) -> str:
    if "<" in text:
        text = replace_enclosed(text, "<!--", "-->", lambda comment: "")
        text = _SCRIPT.sub(_written, text)
        text = _TAG.sub(_without_tag, text)
    return _ENTITY.sub(_character, text) if "&" in text else text


def _written(match: re.Match[str]) -> str:
    write = raised if match[1].lower() == "sup" else lowered
    return write(match.string[max(0, match.start() - 20) : match.start()], match[2])


def _without_tag(match: re.Match[str]) -> str:
    name = match[1].lower()
    if name == "img":
        alt = _ALT.search(match.group())
        return (alt[1] or alt[2] or "") if alt else ""
    if name == "br":
        return " "
    return "" if name in TAGS else match.group()


def _character(match: re.Match[str]) -> str:
    character = html.unescape(match.group())
    return match.group() if _MARKUP.intersection(character) else character
