"""Drift between two windows of time: what is asked for, and what was found."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Protocol

from deployments.contracts.calls import CallContext

DriftVerdict = Literal["drift", "none", "not_enough"]
"""Something is different; nothing that matters is; too little is known to say."""

CheckName = Literal["queries", "top_score", "answer_words", "ungrounded"]

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class DriftRequest:
    """Which windows are compared: the last `current_s` seconds, and `reference_s` seconds before
    them. `until_s` is their end in seconds since the epoch, None for now."""

    release: str
    reference_s: float = 7 * DAY_S
    current_s: float = DAY_S
    until_s: float | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time, in seconds since the epoch, and the sampled queries in it."""

    from_s: float
    to_s: float
    samples: int


@dataclass(frozen=True, slots=True)
class DriftCheck:
    """What one comparison found.

    Attributes:
        name: What was compared.
        verdict: What it says.
        reason: Why, for people.
        effect: How different the windows are, see `deployments.tracking.drift.comparison`; None
            where that is not known.
        least_effect: A smaller effect does not matter.
        p_value: Probability of such an effect where nothing has changed.
        p_adjusted: The same, in view of the other comparisons.
        reference: The typical value of the reference window, None where there is none.
        current: The same of the current window.
        figures: More that is worth knowing.
    """

    name: CheckName
    verdict: DriftVerdict
    reason: str
    effect: float | None = None
    least_effect: float = 0.0
    p_value: float | None = None
    p_adjusted: float | None = None
    reference: float | None = None
    current: float | None = None
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DriftReport:
    """What a comparison of two windows found; `run_id` is that of its run in MLflow, empty where
    there is none."""

    release: str
    verdict: DriftVerdict
    reference: Window
    current: Window
    checks: tuple[DriftCheck, ...]
    run_id: str = ""

    def to_json(self) -> dict[str, Any]:
        """Returns the report as values that JSON knows."""
        content = asdict(self)
        content["checks"] = [_finite(check) for check in content["checks"]]
        return content


class DriftStage(Protocol):
    """Who compares windows."""

    async def drift(self, request: DriftRequest, *, call: CallContext) -> DriftReport:
        """Compares two windows of the sampled queries of a release.

        Raises:
            StageError: the database does not answer.
        """
        ...


def _finite(check: dict[str, Any]) -> dict[str, Any]:
    """JSON has no infinity."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in check.items()
    }
