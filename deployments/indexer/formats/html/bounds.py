"""What is asked of a web page before it is parsed: the parser is quadratic in depth and in the
attributes of one tag, and no page that people read has many of either."""

import re

from deployments.contracts.errors import InvalidRequest
from deployments.indexer.formats import bounds

_NESTING = (
    "address|article|aside|blockquote|button|center|details|dialog|div|dl|fieldset|figure"
    "|footer|form|header|main|menu|nav|object|ol|section|table|ul"
)
"""Elements that nest in themselves until they are closed; an open `<li>` ends at the next one."""

_TAG = re.compile(rf"<(/?)(?:{_NESTING})\b", re.I)
_LONG_TAG = re.compile(r"<[A-Za-z][^<>]{4000}[^<>]*+")
_ATTRIBUTE = re.compile(r"\s[^\s=/>]+")


def check_page(text: str) -> None:
    """Raises InvalidRequest where a page has too many levels, or a tag too many attributes."""
    depth = 0
    for match in _TAG.finditer(text):
        depth = max(0, depth - 1) if match[1] else depth + 1
        if depth > bounds.MAX_NESTING:
            raise InvalidRequest(f"The page has more than {bounds.MAX_NESTING:,} levels.")
    for match in _LONG_TAG.finditer(text):
        if len(_ATTRIBUTE.findall(match[0])) > bounds.MAX_TAG_ATTRIBUTES:
            limit = f"{bounds.MAX_TAG_ATTRIBUTES:,}"
            raise InvalidRequest(f"A tag of the page has more than {limit} attributes.")
