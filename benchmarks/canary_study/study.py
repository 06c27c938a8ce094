"""Many runs of one scenario under one rule, and what became of them."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.canary_study.rules import End, Rule, ends_of_looks
from benchmarks.canary_study.traffic import CANARY_SHARE, LOOK_S, Scenario, Traffic, simulate
from deployments.canary.policy import Policy

MakeRule = Callable[[Traffic, Policy], Rule]


@dataclass(frozen=True, slots=True)
class Ended:
    """How one run ended: None where the looks were over before. `requests` are the canary's."""

    end: End | None
    requests: int
    reason: str = ""


def policy(*, baseline_ratio: float, looks: int, promotes: bool) -> Policy:
    """Returns the default policy with one step, and no waiting beside that for evidence.

    Args:
        baseline_ratio: Size of the baseline, in sizes of the canary.
        looks: After so many the run is over.
        promotes: Whether a canary that has shown enough is promoted; where not, all looks are
            taken.
    """
    step = {
        "weight": CANARY_SHARE,
        "min_requests": 1,
        "min_duration_s": 0.0,
        "deadline_s": LOOK_S * (looks + 1),
    }
    return Policy.model_validate(
        {
            "mode": "auto" if promotes else "abort_only",
            "steps": [step],
            "baseline_ratio": baseline_ratio,
            "warm_up_s": 0.0,
        }
    )


def run(traffic: Traffic, rule: Rule, *, looks: int) -> Ended:
    """Returns how a run ends: every look sees the requests since the one before."""
    seen = 0
    for number, end in enumerate(ends_of_looks(traffic, looks).tolist(), 1):
        if (ended := rule.look(slice(seen, end), number * LOOK_S)) is not None:
            requests = int(traffic.canary[:end].sum())
            return Ended(ended, requests, getattr(rule, "reason", ""))
        seen = end
    return Ended(None, int(traffic.canary.sum()))


def measure(
    scenario: Scenario,
    make_rule: MakeRule,
    *,
    runs: int,
    looks: int,
    baseline_ratio: float,
    promotes: bool,
    seed: int,
    on_done: Callable[[], None],
) -> dict[str, Any]:
    """Returns what became of the runs of a scenario; the same seed means the same requests for
    every rule."""
    rules = policy(baseline_ratio=baseline_ratio, looks=looks, promotes=promotes)
    ended = []
    for traffic in simulate(
        scenario, runs=runs, looks=looks, baseline_ratio=baseline_ratio, seed=seed
    ):
        ended.append(run(traffic, make_rule(traffic, rules), looks=looks))
        on_done()
    return summarise(ended)


def summarise(ended: Iterable[Ended]) -> dict[str, Any]:
    """Returns shares of the runs, and the canary's requests until a run ended.

    The medians are those of all runs, one that never ended counting as longer than any that did;
    None where fewer than half ended that way.
    """
    runs = list(ended)
    rolled_back = [one.requests for one in runs if one.end == "rolled back"]
    promoted = [one.requests for one in runs if one.end == "promoted"]
    return {
        "runs": len(runs),
        "rolled_back": round(len(rolled_back) / len(runs), 4),
        "promoted": round(len(promoted) / len(runs), 4),
        "requests_to_roll_back": _of_all(rolled_back, len(runs)),
        "requests_to_promote": _of_all(promoted, len(runs)),
        "first_to_fail": dict(Counter(one.reason for one in runs if one.reason).most_common()),
    }


def _of_all(requests: list[int], runs: int) -> dict[str, int | None]:
    counts = np.sort(np.array(requests, dtype=float))
    padded = np.concatenate([counts, np.full(runs - counts.size, np.inf)])
    found = {
        name: float(np.quantile(padded, quantile, method="higher"))
        for name, quantile in (("median", 0.5), ("p90", 0.9))
    }
    return {name: int(value) if np.isfinite(value) else None for name, value in found.items()}
