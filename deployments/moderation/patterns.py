"""Regular expressions of operators, in linear time, over a text that comes in pieces.

RE2 is the syntax: it refuses what it cannot do in linear time. A match may begin as far before the
end of what is there as the widest pattern is wide, so that much is held back.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Protocol, cast

from deployments.moderation.findings import Finding
from deployments.moderation.pattern_width import pattern_width

_MAX_PATTERN_BYTES = 1 << 20
"""Memory of one compiled pattern."""


class _Match(Protocol):
    def start(self) -> int: ...

    def end(self) -> int: ...


class _Pattern(Protocol):
    def search(self, text: str, pos: int = 0) -> _Match | None: ...


class Patterns:
    """Compiled patterns; holds no text, so that all streams share one.

    Args:
        patterns: By category.

    Raises:
        ValueError: RE2 refuses a pattern, or its width has no bound; see `pattern_width`.
    """

    def __init__(self, patterns: Mapping[str, str]) -> None:
        self._patterns = [(name, _compiled(pattern)) for name, pattern in patterns.items()]
        self.width = max(map(pattern_width, patterns.values()), default=0)

    def find(self, text: str, start: int = 0) -> Iterator[Finding]:
        """Yields what each pattern matches from an offset on; what stands before it still tells
        whether a word begins there."""
        for category, pattern in self._patterns:
            place = start
            while (match := pattern.search(text, place)) is not None:
                yield Finding(match.start(), match.end(), category)
                place = max(match.end(), match.start() + 1)
                if place > len(text):
                    break


class PatternsStream:
    """One text on its way through `Patterns`; a `StreamCheck`."""

    def __init__(self, patterns: Patterns) -> None:
        self.found: list[Finding] = []
        self._patterns = patterns
        self._kept = ""
        """The text from one character before the undecided part on."""
        self._begins_at = 0
        self._decided = 0

    def feed(self, text: str) -> int:
        """See `StreamCheck.feed`."""
        self._kept += text
        length = self._begins_at + len(self._kept)
        # A match that ends with the text may go on, or stand in the middle of a word.
        return self._look(length - 1, max(self._decided, length - self._patterns.width))

    def finish(self) -> int:
        """See `StreamCheck.finish`."""
        length = self._begins_at + len(self._kept)
        return self._look(length, length)

    def _look(self, last_end: int, decided: int) -> int:
        for one in self._patterns.find(self._kept, self._decided - self._begins_at):
            start, end = one.start + self._begins_at, one.end + self._begins_at
            if end <= last_end:
                known = any(
                    other.start == start and other.category == one.category for other in self.found
                )
                if not known:
                    self.found.append(Finding(start, end, one.category))
            else:
                decided = min(decided, start)
        self._decided = decided
        cut = max(0, decided - 1 - self._begins_at)
        self._kept, self._begins_at = self._kept[cut:], self._begins_at + cut
        return decided


def check_pattern(pattern: str) -> None:
    """Raises ValueError with a reason for a pattern that cannot be used."""
    _compiled(pattern)
    pattern_width(pattern)


@cache
def _compiled(pattern: str) -> _Pattern:
    try:
        import re2
    except ImportError:
        raise ValueError("patterns need the package google-re2, which is not installed") from None
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MAX_PATTERN_BYTES
    try:
        return cast(_Pattern, re2.compile(pattern, options))
    except re2.error as error:
        reason = error.args[0]
        said = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise ValueError(f"RE2 does not take it: {said}") from None
