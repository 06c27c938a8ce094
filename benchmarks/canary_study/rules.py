"""The rules that are compared: ours, and two that are often written first."""

import math
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.canary_study.traffic import LOOK_S, Array, Traffic
from deployments.canary.evidence import BUCKETS, Arm, Evidence, merge
from deployments.canary.policy import Policy
from deployments.canary.recording import Outcomes, gather
from deployments.canary.rollout import Decision, State, decide, start

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
    """The service's own course of a rollout, fed as it is in the service: evidence in batches, and
    a decision at each look.

    Args:
        traffic: The run.
        policy: Of a single step.
    """

    def __init__(self, traffic: Traffic, policy: Policy) -> None:
        self._traffic = traffic
        self._policy = policy
        self._evidence = Evidence(0, policy.block_s)
        self._state = start(0.0)
        self.reason = ""

    def look(self, until: slice, now_s: float) -> End | None:
        self._evidence = merge(self._evidence, self._gathered(until))
        decision, self._state = self.decide(now_s)
        if decision.action == "roll_back":
            failed = [one for one in decision.verdicts if one.outcome == "fail" and one.rolls_back]
            self.reason = failed[0].metric
            return "rolled back"
        return "promoted" if decision.action == "promote" else None

    def decide(self, now_s: float = 0.0) -> tuple[Decision, State]:
        """Returns the decision on the evidence so far."""
        return decide(self._policy, self._evidence, self._state, now_s)

    def _gathered(self, part: slice) -> Evidence:
        traffic = self._traffic
        canary = traffic.canary[part]
        masks: dict[Arm, NDArray[np.bool_]] = {"canary": canary, "baseline": ~canary}
        arms = {
            arm: Outcomes(
                traffic.at_s[part][mine],
                traffic.callers[part][mine] % BUCKETS,
                {name: values[part][mine] for name, values in traffic.values.items()},
            )
            for arm, mine in masks.items()
        }
        return gather(arms, stage=0, block_s=self._policy.block_s)


class MannWhitney:
    """Compares all times, and all errors, with a test made for one look, at every look; the canary
    must be worse with p < .05.

    Source: Mann and Whitney, On a Test of Whether One of Two Random Variables Is Stochastically
    Larger than the Other, Annals of Mathematical Statistics 18(1), 1947, with ranks shared by ties.
    """

    def __init__(self, traffic: Traffic, policy: Policy) -> None:
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

    def __init__(self, traffic: Traffic, policy: Policy) -> None:
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
