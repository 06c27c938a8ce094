"""A text as it may leave: held back until all checks have decided, with what was replaced in it."""

from bisect import bisect_right
from collections.abc import Sequence

from deployments.moderation.findings import Finding, StreamCheck


class HeldText:
    """One text on its way through some checks.

    Once a check has found what cannot be replaced, nothing leaves any more but what stands before
    it.

    Args:
        checks: What it must pass; none lets everything through.
        flags: What only looks at it, and holds nothing back.
    """

    def __init__(self, checks: Sequence[StreamCheck], flags: Sequence[StreamCheck] = ()) -> None:
        self.is_blocked = False
        self._checks = checks
        self._flags = flags
        self._text = ""
        """What has not left, as it came."""
        self._left = 0
        """Characters, as they came, that have left."""
        self._ends = [0]
        self._shifts = [0]
        """Where a replacement ended, as it came, and by how much what follows has moved."""

    @property
    def left(self) -> int:
        """Characters of the text, as they came, that have left or were replaced."""
        return self._left

    def feed(self, text: str) -> str:
        """Takes the next piece and returns what may leave."""
        self._text += text
        decided = [check.feed(text) for check in self._checks]
        for flag in self._flags:
            flag.feed(text)
        return self._leave(decided)

    def finish(self) -> str:
        """Returns the rest that may leave, since nothing follows."""
        decided = [check.finish() for check in self._checks]
        for flag in self._flags:
            flag.finish()
        return self._leave(decided)

    def blocked_by(self) -> Sequence[Finding]:
        """Returns what cannot leave."""
        return [one for check in self._checks for one in check.found if one.instead is None]

    def replaced(self) -> Sequence[Finding]:
        """Returns what left with something else in its place."""
        return [one for check in self._checks for one in check.found if one.instead is not None]

    def flagged(self) -> Sequence[Finding]:
        """Returns what left although somebody objects to it."""
        return [one for flag in self._flags for one in flag.found]

    def moved(self, offset: int) -> int:
        """Returns where a character that has left stands in what was sent."""
        return offset + self._shifts[bisect_right(self._ends, offset) - 1]

    def _leave(self, decided: Sequence[int]) -> str:
        if self.is_blocked:
            return ""
        end = min([self._left + len(self._text), *decided])
        if not any(check.found for check in self._checks):  # as for most pieces of most texts
            return self._cut(end)
        if blocked := self.blocked_by():
            self.is_blocked = True
            end = max(self._left, min([end, *(one.start for one in blocked)]))
        waiting = [one for check in self._checks for one in check.found if one.end > self._left]
        edits = sorted((one for one in waiting if one.instead is not None), key=_by_start)
        for one in edits:  # nothing leaves in halves
            if one.start < end < one.end:
                end = max(self._left, one.start)
        sent = self._edited(end, [one for one in edits if one.end <= end])
        self._cut(end)
        return sent

    def _cut(self, end: int) -> str:
        """Takes what stands before an offset as left, and returns it as it came."""
        place = end - self._left
        cut, self._text, self._left = self._text[:place], self._text[place:], end
        return cut

    def _edited(self, end: int, edits: Sequence[Finding]) -> str:
        parts: list[str] = []
        place = self._left
        for one in edits:
            begins, instead = max(one.start, place), one.instead or ""
            if begins >= one.end:
                continue
            if begins > one.start:  # two checks replace the same: the name of the first stays
                instead = ""
            parts += [self._text[place - self._left : begins - self._left], instead]
            place = one.end
            shift = self._shifts[-1] + len(instead) - (one.end - begins)
            self._ends.append(one.end)
            self._shifts.append(shift)
        parts.append(self._text[place - self._left : end - self._left])
        return "".join(parts)


def _by_start(finding: Finding) -> tuple[int, int]:
    return finding.start, -finding.end
