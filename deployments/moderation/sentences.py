"""Where sentences end in a text that is still being written."""

import re

from deployments.moderation.findings import Finding

_END = re.compile(
    r"[.!?…]['\")\]’”»]*\s+(?=\S)|[。！？]['\")\]’”»」』]*\s*(?=\S)|\n[ \t]*\n\s*(?=\S)"
)
MAX_SENTENCE_CHARS = 1_000
"""What is longer is cut at white space: no text is held without end."""


def sentence_end(text: str, start: int = 0) -> int | None:
    """Returns where the first sentence of a text ends, the white space behind it included; None
    where that is not known yet.

    >>> sentence_end("It is. Then"), sentence_end("It is. ")
    (7, None)
    """
    found = _END.search(text, start)
    return None if found is None else found.end()


def sentences(text: str) -> list[str]:
    """Returns the sentences of a whole text, which are the text again when they are joined.

    >>> sentences("It is. Then it was!")
    ['It is. ', 'Then it was!']
    """
    parts, start = [], 0
    while (end := _bounded_end(text, start)) is not None:
        parts.append(text[start:end])
        start = end
    return [*parts, text[start:]] if start < len(text) else parts


def _bounded_end(text: str, start: int) -> int | None:
    end = sentence_end(text, start)
    latest = start + MAX_SENTENCE_CHARS
    if (len(text) if end is None else end) <= latest:
        return end
    blank = max(text.rfind(" ", start, latest), text.rfind("\n", start, latest))
    return blank + 1 if blank > start else latest


class SentenceStream:
    """A `StreamCheck` that finds nothing, and decides a text by whole sentences."""

    found: tuple[Finding, ...] = ()

    def __init__(self) -> None:
        self._sentence = ""
        self._begins_at = 0

    def feed(self, text: str) -> int:
        """See `StreamCheck.feed`."""
        self._sentence += text
        while (end := _bounded_end(self._sentence, 0)) is not None:
            self._sentence = self._sentence[end:]
            self._begins_at += end
        return self._begins_at

    def finish(self) -> int:
        """See `StreamCheck.finish`."""
        self._begins_at += len(self._sentence)
        self._sentence = ""
        return self._begins_at
