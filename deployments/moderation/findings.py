"""What a check of a text finds, and what every check of a text in pieces promises."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Finding:
    """Characters `start` to `end` of a text (end exclusive) that a check objects to.

    Attributes:
        start: The first of them, counted from the beginning of the whole text.
        end: Behind the last one.
        category: What they are, as the policy calls it.
        instead: What is to stand in their place; None where nothing can.
    """

    start: int
    end: int
    category: str
    instead: str | None = None


class StreamCheck(Protocol):
    """Reads a text in pieces. Offsets are in characters from the beginning of the text."""

    @property
    def found(self) -> Sequence[Finding]:
        """What was found so far, in the order in which it was decided."""
        ...

    def feed(self, text: str) -> int:
        """Takes the next piece, and returns up to where the text is decided: nothing that is still
        to be found begins before, and what begins before is in `found`."""
        ...

    def finish(self) -> int:
        """Decides what is left, since nothing follows, and returns the length of the text."""
        ...
