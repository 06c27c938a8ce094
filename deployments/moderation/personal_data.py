"""Personal data and secrets in a text that is still being written, as the redactor of traces finds
them.

A sentence that has any sign of them, such as a digit, an `@` or a label, is held to its end: what a
value is may be told by what stands behind it. Other text goes on by words.
"""

import re
from collections.abc import Sequence

from deployments.moderation.findings import Finding
from deployments.moderation.sentences import sentence_end
from deployments.redaction.placeholders import Numbering
from deployments.redaction.redactor import Redactor, Replacement, has_signs
from deployments.words.invisible import drop_invisible

CATEGORY = "personal_data"
_MAX_HELD_CHARS = 256
"""A sentence that is longer is decided up to a blank before `_MARGIN_CHARS` from its end."""
_MARGIN_CHARS = 96
_BLANK = re.compile(r"\s")
_GOES_ON = re.compile(r"\s+[.]\d")
"""The end of a sentence that may stand inside of a number, read backwards."""


class PersonalDataStream:
    """One text on its way; a `StreamCheck`.

    Args:
        redactor: Finds the data.
        numbering: Names it, the same for all texts of one answer; None where it is not replaced.
    """

    def __init__(self, redactor: Redactor, numbering: Numbering | None = None) -> None:
        self.found: list[Finding] = []
        self._redactor = redactor
        self._numbering = numbering
        self._text = ""
        """The sentence that has not ended, as far as it came."""
        self._begins_at = 0
        self._decided = 0

    def feed(self, text: str) -> int:
        """See `StreamCheck.feed`."""
        self._text += text
        place = 0
        while (end := sentence_end(self._text, place)) is not None:
            place = 0 if self._decide(end) else end
        self._decide_open()
        return self._decided

    def finish(self) -> int:
        """See `StreamCheck.finish`."""
        self._close(len(self._text), self._search(self._text))
        return self._decided

    def _decide(self, end: int) -> bool:
        """Decides a sentence, unless a number goes on behind its end."""
        is_number = self._text[end].isdigit() and _GOES_ON.match(self._text[:end][::-1])
        if is_number and end < _MAX_HELD_CHARS:
            return False
        self._close(end, self._search(self._text[:end]))
        return True

    def _decide_open(self) -> None:
        """Decides what is possible of a sentence that has not ended."""
        if not has_signs(drop_invisible(self._text)):
            self._decided = max(self._decided, self._begins_at + self._last_word())
        elif len(self._text) > _MAX_HELD_CHARS:
            found = self._search(self._text)
            cut = self._cut(found)
            if self._begins_at + cut > self._decided:
                self._close(cut, [one for one in found if one.end <= cut])

    def _cut(self, found: Sequence[Replacement]) -> int:
        """Returns the last blank that is far enough from the end and inside of nothing found."""
        cut = len(self._text) - _MARGIN_CHARS
        for one in reversed(found):
            if one.end >= cut:
                cut = min(cut, one.start)
        blanks = [blank.end() for blank in _BLANK.finditer(self._text, 0, max(0, cut))]
        return blanks[-1] if blanks else 0

    def _last_word(self) -> int:
        blanks = [blank.end() for blank in _BLANK.finditer(self._text)]
        return blanks[-1] if blanks else 0

    def _search(self, text: str) -> list[Replacement]:
        if not has_signs(drop_invisible(text)):
            return []
        # Names are given when it is decided: what is looked at twice is one value.
        return self._redactor.replacements(text, Numbering())

    def _close(self, end: int, found: Sequence[Replacement]) -> None:
        """Takes `end` characters as decided, with what was found in them."""
        text, start = self._text, self._begins_at
        for one in found:
            instead = None
            if self._numbering is not None:
                instead = self._numbering.name(one.kind, text[one.start : one.end])
            # What has left cannot be taken back; the rest of it can.
            begins = max(start + one.start, self._decided)
            if start + one.end > begins:
                self.found.append(Finding(begins, start + one.end, CATEGORY, instead))
        self._text = text[end:]
        self._begins_at += end
        self._decided = max(self._decided, self._begins_at)
