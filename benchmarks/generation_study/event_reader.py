"""Reads the event stream of a chat completion without parsing what need not be parsed.

The client shares the machine with the servers it measures: it looks for a few bytes in each piece,
and parses one event at the end.
"""

import json
import re
from dataclasses import dataclass

_SOME_TEXT = re.compile(rb'"content":"[^"]')
_USAGE = re.compile(rb'^data: (\{.*"usage":\{.*)$', re.MULTILINE)
_DONE = b"\ndata: [DONE]\n"
_TAIL_BYTES = 8192
_DETAIL_CHARACTERS = 200


class BrokenOff(Exception):
    """A stream without the end that it should have; the message holds what came last."""


@dataclass(frozen=True, slots=True)
class Usage:
    """The server's own counts."""

    prompt_tokens: int
    completion_tokens: int


class EventReader:
    """Takes a stream in pieces, as they come."""

    def __init__(self) -> None:
        self.first_text_s: float | None = None
        """When the first piece of text came, on the clock of `feed`."""
        self.events = 0
        """Events so far, those without text among them."""
        self._tail = b""

    def feed(self, piece: bytes, now_s: float) -> None:
        """Takes the next piece."""
        # The marks that are looked for may be cut by the border between two pieces.
        self.events += piece.count(b"\n\n")
        self.events += self._tail.endswith(b"\n") and piece.startswith(b"\n")
        self._tail = (self._tail + piece)[-_TAIL_BYTES:]
        if self.first_text_s is None and _SOME_TEXT.search(self._tail):
            self.first_text_s = now_s

    def usage(self) -> Usage:
        """Returns the counts of a stream that has ended.

        Raises:
            BrokenOff: it has no end, or no counts.
        """
        found = _USAGE.findall(self._tail)
        if not found or _DONE not in self._tail:
            end = self._tail.decode("utf-8", "replace")[-_DETAIL_CHARACTERS:]
            raise BrokenOff(f"the stream broke off: {end}")
        counts = json.loads(found[-1])["usage"]
        return Usage(counts["prompt_tokens"], counts["completion_tokens"])
