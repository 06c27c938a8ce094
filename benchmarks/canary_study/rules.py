"""The rules that are compared: ours, and two that are often written first."""

import math
from collections.abc import Iterator
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.canary_study.traffic import LOOK_S, Array, Traffic
from deployments.canary.evidence import Evidence
from deployments.canary.policy import Policy
from deployments.canary.rollout import Decision, decide, start
from deployments.canary.verdict import Outcome

End = Literal["rolled back", "promoted"]

_NORMAL_95 = 1.959964
_MAX_RATIO = 1.25
_MAX_ERROR_RATIO = 2.0


class Rule(Protocol):
    """Judges one run of a canary, look by look."""

    def look(self, until: slice, now_s: float) -> End | None:
        """Returns what the rule does, None where it waits; `until` are the requests that came since
        the look before."""
        ...


class Ours:
    """The service's own course of a rollout: a decision at each look.

    Args:
        traffic: The run.
        policy: Of a single step.
        evidence: What is known at each look.
    """

    def __init__(self, traffic: Traffic, policy: Policy, evidence: Iterator[Evidence]) -> None:
        self._measured = traffic.values.keys()
        self._policy = policy
        self._evidence = evidence
        self._state = start(0.0)
        self._decision: Decision | None = None

    def look(self, until: slice, now_s: float) -> End | None:
        evidence = next(self._evidence)
        self._decision, self._state = decide(self._policy, evidence, self._state, now_s)
        if self._decision.action == "roll_back":
            return "rolled back"
        return "promoted" if self._decision.action == "promote" else None

    def outcomes(self) -> dict[str, Outcome]:
        """Returns the verdicts of the last look on what is measured and decides, by metric."""
        verdicts = self._decision.verdicts if self._decision else ()
        return {
            verdict.metric: verdict.outcome
            for verdict in verdicts
            if verdict.rolls_back
            and verdict.metric.removesuffix(".tail") in {*self._measured, "burst"}
        }


class MannWhitney:
    """Compares all times, and all errors, with a test made for one look, at every look; the canary
    must be worse with p < .05.

    Source: Mann and Whitney, On a Test of Whether One of Two Random Variables Is Stochastically
    Larger than the Other, Annals of Mathematical Statistics 18(1), 1947, with ranks shared by ties.
    """

    def __init__(self, traffic: Traffic, policy: Policy, evidence: Iterator[Evidence]) -> None:
        self._traffic = traffic

    def look(self, until: slice, now_s: float) -> End | None:
        canary = self._traffic.canary[: until.stop]
        for name in ("total_ms", "error"):
            values = self._traffic.values[name][: until.stop]
            if mann_whitney_z(values[canary], values[~canary]) > _NORMAL_95:
                return "rolled back"
        return None


class Window:
    """Compares the p95 and the error rate of the latest look with the baseline's; where the
    baseline has no error there is no ratio."""

    def __init__(self, traffic: Traffic, policy: Policy, evidence: Iterator[Evidence]) -> None:
        self._traffic = traffic

    def look(self, until: slice, now_s: float) -> End | None:
        canary = self._traffic.canary[until]
        times, errors = (self._traffic.values[name][until] for name in ("total_ms", "error"))
        mine, theirs = _p95(times[canary]), _p95(times[~canary])
        if mine > _MAX_RATIO * theirs:
            return "rolled back"
        mine, theirs = _mean(errors[canary]), _mean(errors[~canary])
        return "rolled back" if theirs > 0 and mine > _MAX_ERROR_RATIO * theirs else None


def ends_of_looks(traffic: Traffic, looks: int) -> NDArray[np.int64]:
    """Returns how many requests had come at each look."""
    return np.searchsorted(traffic.at_s, LOOK_S * np.arange(1, looks + 1))


def mann_whitney_z(first: Array, second: Array) -> float:
    """Returns the normal score of the rank sum; positive where the first values are larger, 0 where
    there is nothing to compare."""
    first, second = first[np.isfinite(first)], second[np.isfinite(second)]
    together = np.concatenate([first, second])
    count = together.size
    _, places, ties = np.unique(together, return_inverse=True, return_counts=True)
    if not first.size or not second.size or ties.size < 2:
        return 0.0
    ranks = (ties.cumsum() - (ties - 1) / 2.0)[places]
    surplus = ranks[: first.size].sum() - first.size * (count + 1) / 2.0
    tied = float((ties**3 - ties).sum()) / (count * (count - 1.0))
    return float(surplus / math.sqrt(first.size * second.size / 12.0 * (count + 1 - tied)))


def _p95(values: Array) -> float:
    kept = values[np.isfinite(values)]
    return float(np.quantile(kept, 0.95)) if kept.size else math.nan


def _mean(values: Array) -> float:
    kept = values[np.isfinite(values)]
    return float(kept.mean()) if kept.size else math.nan
