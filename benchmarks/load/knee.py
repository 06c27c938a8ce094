"""Where more users make answers slower rather than more."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a load: its users, the answers a second that were ok, and their times."""

    users: int
    requests_per_s: float
    mean_ms: float
    p95_ms: float

    @property
    def power(self) -> float:
        """Answers a second for each second that an answer takes.

        Source: Kleinrock, Power and Deterministic Rules of Thumb for Probabilistic Problems in
        Computer Communications, ICC 1979: where it is greatest, a server has work and no queue.
        """
        return self.requests_per_s / (self.mean_ms / 1e3) if self.mean_ms else 0.0


def knee_of(steps: Sequence[Step]) -> Step | None:
    """Returns the step of the greatest power; None where it is the last one, so that the knee lies
    behind what was tried, or where nothing was answered."""
    best = max(steps, key=lambda step: step.power, default=None)
    return None if best is None or best is steps[-1] or not best.power else best
