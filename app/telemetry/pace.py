"""How long the answers of each model took lately, in this replica of the gateway."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from app.telemetry.requests import FinishedRequest

_WINDOW_S = 300.0
_KEPT = 256
_LEAST = 5
_MAX_NAMES = 1_000
_LATE = "deadline_exceeded"
_SERVICE = "ragserve"


@dataclass(frozen=True, slots=True)
class PaceFigures:
    """What the answers of the last five minutes took and used.

    Attributes:
        p50_ms: Median time of a whole answer; None for fewer than five.
        p95_ms: The time that 95 % of them took at most.
        idle_s: Time since the last of them.
        prompt_tokens: Tokens that a generator read for one, on average.
        completion_tokens: Tokens that it wrote.
    """

    p50_ms: float | None
    p95_ms: float | None
    idle_s: float
    prompt_tokens: float
    completion_tokens: float


class Pace:
    """A `Sink` that remembers the last answers of every release, and of every generator that was
    asked under its own name: 256 each at most, and those of five minutes.

    Args:
        now: Clock in seconds; monotonic.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._answers: dict[str, deque[tuple[float, float, int, int]]] = {}

    def take(self, request: FinishedRequest) -> None:
        """See `Sink.take`. An answer that came too late was slow; other failures say nothing of how
        long an answer takes, nor does one that was written for another request."""
        notes, written = request.notes, request.notes.written
        late = request.outcome == "failed" and notes.error == _LATE
        if (
            notes.is_cache_hit
            or not request.is_of_its_release
            or not (late or (request.outcome == "ok" and written))
        ):
            return
        name = f"{_SERVICE}:{notes.release}" if notes.release else written and written.model
        if not name or (name not in self._answers and len(self._answers) >= _MAX_NAMES):
            return
        used = (0, 0) if written is None else (written.prompt_tokens, written.completion_tokens)
        kept = self._answers.setdefault(name, deque(maxlen=_KEPT))
        kept.append((self._now(), request.total_ms, *used))

    def of(self, name: str) -> PaceFigures | None:
        """Returns the figures of a model, by the name that a request gives it; None where it has
        not answered lately."""
        kept = self._answers.get(name)
        now_s = self._now()
        while kept and now_s - kept[0][0] > _WINDOW_S:
            kept.popleft()
        if not kept:
            return None
        times_ms = sorted(total_ms for _, total_ms, _, _ in kept)
        known = len(kept) >= _LEAST
        return PaceFigures(
            p50_ms=_quantile(times_ms, 0.5) if known else None,
            p95_ms=_quantile(times_ms, 0.95) if known else None,
            idle_s=now_s - kept[-1][0],
            prompt_tokens=sum(entry[2] for entry in kept) / len(kept),
            completion_tokens=sum(entry[3] for entry in kept) / len(kept),
        )


def _quantile(sorted_ms: list[float], share: float) -> float:
    return sorted_ms[min(int(share * len(sorted_ms)), len(sorted_ms) - 1)]
