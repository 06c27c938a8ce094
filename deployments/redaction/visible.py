"""A text as a person sees it, for the search, and where each character of it stands in the raw one.

A value that somebody broke up with characters that nobody sees is still that value.
"""

import re
from bisect import bisect_right

from deployments.redaction.findings import Finding
from deployments.words.invisible import IGNORABLE

_UNSEEN = re.compile(f"[{IGNORABLE}]+")


class VisibleText:
    """The text without ignorable characters.

    Args:
        raw: As it came.
    """

    def __init__(self, raw: str) -> None:
        self.text = raw
        self._starts: list[int] = []
        """Places in `text` from which on so many more characters were left out before."""
        self._left_out: list[int] = []
        if _UNSEEN.search(raw) is None:
            return
        kept: list[str] = []
        end = length = left_out = 0
        for match in _UNSEEN.finditer(raw):
            kept.append(raw[end : match.start()])
            length += match.start() - end
            left_out += match.end() - match.start()
            self._starts.append(length)
            self._left_out.append(left_out)
            end = match.end()
        kept.append(raw[end:])
        self.text = "".join(kept)

    def in_raw(self, finding: Finding) -> Finding:
        """Returns the same finding by its place in the raw text, with what is hidden inside it."""
        start = self._place(finding.start)
        return Finding(start, self._place(finding.end - 1) + 1, finding.kind)

    def _place(self, at: int) -> int:
        index = bisect_right(self._starts, at) - 1
        return at if index < 0 else at + self._left_out[index]
