"""Pieces of HTML that stand in another text, such as the pictures and tables of a README."""

import re

from selectolax.lexbor import LexborHTMLParser

from deployments.indexer.formats.html.bounds import check_page
from deployments.indexer.formats.html.renderer import HtmlRenderer

_FIRST_TAG = re.compile(r"(?>\s*<!--.*?-->)*+\s*</?([A-Za-z][\w-]*)", re.S)
_AROUND = {
    "tr": "<table>",
    "thead": "<table>",
    "tbody": "<table>",
    "tfoot": "<table>",
    "td": "<table><tr>",
    "th": "<table><tr>",
    "dt": "<dl>",
    "dd": "<dl>",
}
"""What a piece was cut out of by an empty line, without which the parser drops its elements."""


def first_tag(piece: str) -> str:
    """Returns the name of the first tag of a piece, in lower case; "" where it begins otherwise."""
    match = _FIRST_TAG.match(piece)
    return match[1].lower() if match else ""


def fragment_text(piece: str) -> str:
    """Returns what a piece of a page shows, as Markdown.

    Raises:
        InvalidRequest: It has too many levels, or a tag too many attributes.
    """
    check_page(piece)
    root = LexborHTMLParser(_AROUND.get(first_tag(piece), "") + piece).root
    renderer = HtmlRenderer()
    if root is not None:
        renderer.render(root)
    return renderer.text()
