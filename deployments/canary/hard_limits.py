"""What is judged in absolute terms: alarms, bursts of errors, objectives."""

import math

import numpy as np

from deployments.canary.dispersion import Side, dispersion
from deployments.canary.evidence import TAIL_EDGES, Evidence, Tally
from deployments.canary.metrics import METRICS
from deployments.canary.policy import Burst, Objective, Policy
from deployments.canary.sequential import wilson_bounds
from deployments.canary.verdict import Outcome, Verdict

_Z = 4.0
"""Critical value of the bounds of a share: a look passes them by chance once in 30,000 times, and
there are many looks."""

Counts = tuple[float, float]
"""Events, and the requests they are of."""


def guard(policy: Policy, evidence: Evidence) -> list[Verdict]:
    """Returns what alarms, errors and objectives say; an alarm or a burst needs no minimum of
    requests.

    Where the baseline misses the same limit it is not the canary's fault: that is inconclusive, so
    it stops the rollout and not the canary.
    """
    found = [Verdict("alarm", "fail", alarm) for alarm in sorted(evidence.alarms)]
    errors = [evidence.tally(arm, "error") for arm in ("canary", "baseline")]
    if policy.burst is not None and errors[0] is not None:
        found.append(_burst(policy.burst, evidence, errors[0], errors[1]))
    return found + [_objective(objective, policy, evidence) for objective in policy.objectives]


def _burst(burst: Burst, evidence: Evidence, canary: Tally, baseline: Tally | None) -> Verdict:
    """Looks at the whole stage, and at the latest blocks: good requests of the past hide nothing.

    The baseline's share excuses the canary where it is over the limit as well, or as high as the
    canary's is proven to be: in a small window of a bad hour both are near the limit, and one of
    them crosses it first.

    Source: Wilson's bound, see `wilson_bounds`; it needs no normality, so six failures of six are
    enough for a limit of a quarter.
    """
    found = None
    for says, blocks in (("of all", None), ("of the latest", _latest(burst, evidence))):
        mine, theirs = (_counts(tally, blocks) for tally in (canary, baseline))
        share = f"{mine[0]:.0f} {says} {mine[1]:.0f} requests failed"
        if _lower(mine) <= burst.max_share:
            found = found or Verdict("burst", "pass", share)
        elif _lower(theirs) > burst.max_share or _lower(mine) <= _share(theirs):
            found = Verdict("burst", "inconclusive", f"{share}, and as many of the baseline's")
        else:
            return Verdict("burst", "fail", f"{share}, over {burst.max_share:.0%} is a burst")
    assert found is not None
    return found


def _latest(burst: Burst, evidence: Evidence) -> slice:
    """Returns the blocks of the burst's window."""
    if evidence.frame is None:
        return slice(0)
    block_s = evidence.block_s * 2**evidence.frame.level
    end = evidence.frame.last - evidence.frame.first + 1
    return slice(max(end - math.ceil(burst.window_s / block_s), 0), end)


def _counts(tally: Tally | None, blocks: slice | None) -> Counts:
    if tally is None:
        return 0.0, 0.0
    if blocks is None:
        return tally.total, tally.count
    requests, failed = tally.blocks[blocks, :2].sum(axis=0)
    return float(failed), float(requests)


def _share(counts: Counts) -> float:
    return counts[0] / counts[1] if counts[1] > 0 else 0.0


def _lower(counts: Counts) -> float:
    return wilson_bounds(*counts, z=_Z)[0]


def _objective(objective: Objective, policy: Policy, evidence: Evidence) -> Verdict:
    """Passes while the canary's share is within the limit, fails when it is proven to be over it
    and the baseline's is not."""
    name = f"objective.{objective.metric}"
    canary, baseline = (
        _of_objective(evidence.tally(arm, objective.metric), objective)
        for arm in ("canary", "baseline")
    )
    if canary is None:
        return Verdict(name, "insufficient", "the canary has no value")
    effect = dispersion(Side(canary)).design_effect
    effective = canary.count / effect
    lower, upper = wilson_bounds(canary.total / effect, effective, z=_Z)
    theirs = baseline.mean if baseline is not None else None
    reason = (
        f"{METRICS[objective.metric].says}: {canary.mean:.2%}, {objective.max_share:.2%} allowed"
    )
    outcome: Outcome
    if effective < policy.min_effective_requests:
        outcome = "insufficient"
    elif canary.mean <= objective.max_share:
        outcome = "pass"
    elif lower <= objective.max_share:
        outcome = "inconclusive"
    elif theirs is not None and theirs > objective.max_share:
        outcome, reason = "inconclusive", f"{reason}, and stable misses it as well ({theirs:.2%})"
    else:
        outcome = "fail"
    return Verdict(
        name,
        outcome,
        reason,
        canary_requests=canary.count,
        baseline_requests=baseline.count if baseline is not None else 0,
        effective_requests=effective,
        canary=canary.mean,
        baseline=theirs,
        change=canary.mean - objective.max_share,
        lower=lower - objective.max_share,
        upper=upper - objective.max_share,
        margin=0.0,
        threshold_ms=objective.max_ms and float(TAIL_EDGES[_edge(objective.max_ms)]),
    )


def _of_objective(tally: Tally | None, objective: Objective) -> Tally | None:
    """Returns the values 0 and 1 that an objective is about, or None where there are none."""
    if tally is None or not tally.count or objective.max_ms is None:
        return tally if tally is not None and tally.count else None
    return tally.beyond(_edge(objective.max_ms))


def _edge(max_ms: float) -> int:
    """Returns the next of the thresholds that are counted."""
    return int(np.searchsorted(TAIL_EDGES, max_ms))
