"""Links and images of an answer that no source has: a way for instructions in a document to send
what was asked to somebody else, since a browser loads an image without being asked."""

import re
from collections.abc import Iterable

from deployments.moderation.findings import Finding

CATEGORY = "foreign_link"
_ADDRESS = r"(?:(?:https?|ftp|data|javascript):|//|www\.)[^\s<>\"'`\]|]*"
_LINK = re.compile(
    rf"(?P<image>!?)\[(?P<label>[^\[\]\n]{{0,300}})\]\(\s*<?(?P<target>[^\s<>()]+)>?[^()\n]{{0,300}}\)"
    rf"|!?\[[^\[\]\n]{{0,300}}\]:[ \t]*(?P<reference>\S+)"
    rf"|<(?:img|a|iframe|video|audio|source|link)\b[^<>]{{0,600}}>"
    rf"|(?P<bare>{_ADDRESS})",
    re.IGNORECASE,
)
_OPEN = re.compile(
    r"!?\[[^\[\]\n]{0,300}(?:\](?:\([^()\n]{0,900}|:[ \t]*\S*)?)?\Z"
    r"|<(?:[a-z][^<>]{0,600})?\Z"
    rf"|{_ADDRESS}\Z|(?<!\w)\w{{1,10}}:?/?\Z|!\Z|/\Z",
    re.IGNORECASE,
)
"""What may still become a link."""
_TRAILING = ".,;:!?)"
_MAX_CHARS = 2_000
"""A longer address is taken as it is so far."""


class LinkStream:
    """One text on its way; a `StreamCheck`. A foreign link leaves its words, an image nothing.

    Args:
        sources: Texts that may name addresses: the sources, and what the client itself said.
    """

    def __init__(self, sources: Iterable[str]) -> None:
        self.found: list[Finding] = []
        self._sources = sources
        self._text = ""
        self._begins_at = 0

    def feed(self, text: str) -> int:
        """See `StreamCheck.feed`."""
        self._text += text
        held = _OPEN.search(self._text)
        end = len(self._text) if held is None else held.start()
        if held is not None and len(self._text) - end > _MAX_CHARS:
            end = len(self._text)
        return self._close(end)

    def finish(self) -> int:
        """See `StreamCheck.finish`."""
        return self._close(len(self._text))

    def _close(self, end: int) -> int:
        for link in _LINK.finditer(self._text):
            if link.end() > end:
                end = min(end, link.start()) if end < len(self._text) else end
                break
            if not self._is_known(link):
                start, stop, instead = self._replaced(link)
                self.found.append(
                    Finding(self._begins_at + start, self._begins_at + stop, CATEGORY, instead)
                )
        self._text = self._text[end:]
        self._begins_at += end
        return self._begins_at

    def _is_known(self, link: re.Match[str]) -> bool:
        target = link["target"] or link["reference"] or (link["bare"] or "").rstrip(_TRAILING)
        if not target:
            return False  # an element of HTML
        if not re.match(_ADDRESS, target, re.IGNORECASE):
            # A place in the same site, or no link at all; an image needs a source.
            return not link["image"]
        return any(target in text for text in self._sources)

    def _replaced(self, link: re.Match[str]) -> tuple[int, int, str]:
        start, end = link.span()
        if link["bare"]:
            end -= len(link["bare"]) - len(link["bare"].rstrip(_TRAILING))
        label = link["label"] if link["label"] and not link["image"] else ""
        return start, end, label
