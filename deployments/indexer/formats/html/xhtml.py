"""Pages that are XML: an element may be closed where it is opened, and text may stand in CDATA."""

import html
import re

from deployments.indexer.formats.enclosed import replace_enclosed

_HEAD_CHARS = 2048
_NAMESPACE = "http://www.w3.org/1999/xhtml"
_CLOSED = re.compile(r"<([A-Za-z][\w.-]*)((?:\s[^<>]*)?)/>")
_VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())  # noqa: SIM905
_BEGIN, _END = "<![CDATA[", "]]>"


def as_html(text: str) -> str:
    """Returns a page as the parser of HTML reads it as it is meant; a page of HTML as it is.

    >>> as_html('<?xml version="1.0"?><title/><p>a</p>')
    '<?xml version="1.0"?><title></title><p>a</p>'
    """
    head = text[:_HEAD_CHARS]
    if not head.lstrip("\ufeff \t\r\n").startswith("<?xml") and _NAMESPACE not in head:
        return text
    return _CLOSED.sub(_opened_and_closed, replace_enclosed(text, _BEGIN, _END, _as_text))


def _opened_and_closed(match: re.Match[str]) -> str:
    return match.group() if match[1].lower() in _VOID else f"<{match[1]}{match[2]}></{match[1]}>"


def _as_text(cdata: str) -> str:
    return html.escape(cdata[len(_BEGIN) : -len(_END)], quote=False)
