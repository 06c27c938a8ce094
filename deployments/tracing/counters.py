"""What became of the spans of one process, counted where it happens."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Literal, get_args

DropReason = Literal[
    "queue_full", "spool_full", "spool_failed", "refused", "corrupted", "unencodable", "shut_down"
]
"""Why a span is gone: more ended than were encoded; the spool was at its bound; nothing could be
written to it; the server refused it for good; its file was damaged; it holds what protobuf cannot
carry; it ended after the shutdown, or the time for that was over."""

Passage = Literal["exported", "spooled", "replayed", "adopted"]
_WARN_EVERY_S = 30.0
_log = logging.getLogger("ray.serve")


@dataclass(frozen=True, slots=True)
class TraceCounts:
    """Spans since the start of the process. All but `ended` and the drops before encoding are
    counted once for each destination.

    Attributes:
        ended: Sampled spans that ended.
        exported: Spans that a server took, those from the spool among them.
        replayed: Spans that a server took from the spool.
        spooled: Spans that were written to the spool.
        adopted: Spans that another process had left in its spool.
        dropped: Spans that are gone, by reason; every reason is there.
        waiting: Spans that wait for encoding.
        spool_bytes: Room that the spool takes on disk.
    """

    ended: int
    exported: int
    replayed: int
    spooled: int
    adopted: int
    dropped: Mapping[DropReason, int]
    waiting: int
    spool_bytes: int


class TraceCounters:
    """Counts spans; safe to call from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._ended = 0
        self._waiting = 0
        self._passed: Counter[Passage] = Counter()
        self._dropped: Counter[DropReason] = Counter()
        self._warned_s: dict[DropReason, float] = {}
        self._spools: list[Callable[[], int]] = []

    def admit(self, at_most: int) -> bool:
        """Notes that a span ended, and returns whether fewer than so many wait for encoding."""
        with self._lock:
            self._ended += 1
            if self._waiting < at_most:
                self._waiting += 1
                return True
        self.drop("queue_full", 1)
        return False

    def take(self, spans: int) -> None:
        """Notes that admitted spans wait no longer."""
        with self._lock:
            self._waiting -= spans

    def count(self, passage: Passage, spans: int) -> None:
        """Notes how far spans have come."""
        with self._lock:
            self._passed[passage] += spans

    def drop(self, reason: DropReason, spans: int) -> None:
        """Notes spans that are gone, and warns of it now and then."""
        now_s = time.monotonic()
        with self._lock:
            self._dropped[reason] += spans
            total = self._dropped[reason]
            if now_s - self._warned_s.get(reason, -_WARN_EVERY_S) < _WARN_EVERY_S:
                return
            self._warned_s[reason] = now_s
        _log.warning("Spans are dropped (%s): %d so far.", reason, total)

    def watch_spool(self, size_bytes: Callable[[], int]) -> None:
        """Adds a spool to those whose sizes are told."""
        self._spools.append(size_bytes)

    def snapshot(self) -> TraceCounts:
        """Returns the counts at this moment."""
        spool_bytes = sum(size_bytes() for size_bytes in self._spools)
        with self._lock:
            return TraceCounts(
                ended=self._ended,
                exported=self._passed["exported"],
                replayed=self._passed["replayed"],
                spooled=self._passed["spooled"],
                adopted=self._passed["adopted"],
                dropped={reason: self._dropped[reason] for reason in get_args(DropReason)},
                waiting=self._waiting,
                spool_bytes=spool_bytes,
            )
