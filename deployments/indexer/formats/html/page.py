"""Reads a web page the way a browser does: lexbor parses it by the HTML standard, in linear time.

Which elements stand apart is in `elements`, how blocks are written in `renderer`.
"""

from selectolax.lexbor import LexborHTMLParser, LexborNode

from deployments.contracts.documents import Part
from deployments.indexer.formats.converted import Converted, ReadingOptions, left_out
from deployments.indexer.formats.html.bounds import check_page
from deployments.indexer.formats.html.renderer import HtmlRenderer
from deployments.indexer.formats.html.xhtml import as_html
from deployments.indexer.formats.text.encodings import declared_encoding, decode_text


def read_html(content: bytes, options: ReadingOptions) -> Converted:
    """Reads a web page: its `<main>` where it has one, without navigation and scripts."""
    decoded = decode_text(content, declared=declared_encoding(content))
    text = as_html(decoded.text)
    check_page(text)
    page = LexborHTMLParser(text)
    title = page.css_first("head > title") or page.css_first("title")
    renderer = HtmlRenderer(shows_hidden=options.hidden)
    root = _main(page) or page.root
    if root is not None:
        renderer.render(root)
    hidden = left_out(renderer.hidden_count, "hidden element")
    return Converted(
        (Part(renderer.text()),),
        title=" ".join(title.text().split()) if title else "",
        markup="markdown",
        warnings=(*decoded.warnings, *filter(None, [hidden])),
    )


def _main(page: LexborHTMLParser) -> LexborNode | None:
    """Returns the element that holds what the page is about, where it says something."""
    found = page.css_first("main:not([hidden]), [role=main]")
    return found if found is not None and found.text(strip=True) else None
