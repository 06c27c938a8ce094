"""Many runs of one scenario under one rule, and what became of them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.canary_study.gathering import Numbers, evidence_by_look
from benchmarks.canary_study.rules import End, Ours, Rule, ends_of_looks
from benchmarks.canary_study.traffic import CANARY_SHARE, LOOK_S, Scenario, Traffic, simulate
from deployments.canary.evidence import Evidence
from deployments.canary.guardrails import default_guardrails
from deployments.canary.policy import Policy
from deployments.canary.verdict import Outcome

MakeRule = Callable[[Traffic, Policy, Iterator[Evidence]], Rule]


@dataclass(frozen=True, slots=True)
class Ended:
    """How one run ended.

    Args:
        end: None where the looks were over before.
        requests: The canary's until then.
        outcomes: Of our rule, the last verdicts by metric.
    """

    end: End | None
    requests: int
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)


def policy(
    *, baseline_ratio: float, looks: int, promotes: bool, min_ratings: int | None = None
) -> Policy:
    """Returns the default policy with one step, and no waiting beside that for evidence.

    Args:
        baseline_ratio: Size of the baseline, in sizes of the canary.
        looks: After so many the run is over.
        promotes: Whether a canary that has shown enough is promoted; where not, all looks are
            taken.
        min_ratings: Ratings of each arm that it waits for.
    """
    liking = default_guardrails()["feedback"].model_copy(update={"min_ratings": min_ratings})
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
            "guardrails": {"feedback": liking},
            "warm_up_s": 0.0,
        }
    )


def run(traffic: Traffic, rule: Rule, ends: Numbers) -> Ended:
    """Returns how a run ends: every look sees the requests since the one before."""
    seen, end = 0, None
    for number, until in enumerate(ends.tolist(), 1):
        end = rule.look(slice(seen, until), number * LOOK_S)
        seen = until
        if end is not None:
            break
    outcomes = rule.outcomes() if isinstance(rule, Ours) else {}
    return Ended(end, int(traffic.canary[:seen].sum()), outcomes)


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
    min_ratings: int | None = None,
) -> dict[str, Any]:
    """Returns what became of the runs of a scenario; the same seed means the same requests for
    every rule."""
    rules = policy(
        baseline_ratio=baseline_ratio, looks=looks, promotes=promotes, min_ratings=min_ratings
    )
    ended = []
    for traffic in simulate(
        scenario, runs=runs, looks=looks, baseline_ratio=baseline_ratio, seed=seed
    ):
        ends = ends_of_looks(traffic, looks)
        rule = make_rule(traffic, rules, evidence_by_look(traffic, ends, block_s=rules.block_s))
        ended.append(run(traffic, rule, ends))
        on_done()
    return summarise(ended)


def summarise(ended: Iterable[Ended]) -> dict[str, Any]:
    """Returns shares of the runs, and the canary's requests until a run ended.

    The medians are those of all runs, one that never ended counting as longer than any that did;
    None where fewer than half ended that way.
    """
    runs = list(ended)
    rolled_back = [run.requests for run in runs if run.end == "rolled back"]
    promoted = [run.requests for run in runs if run.end == "promoted"]
    return {
        "runs": len(runs),
        "rolled_back": round(len(rolled_back) / len(runs), 4),
        "promoted": round(len(promoted) / len(runs), 4),
        "requests_to_roll_back": _of_all(rolled_back, len(runs)),
        "requests_to_promote": _of_all(promoted, len(runs)),
        "failed": _counts(runs, "fail"),
        "insufficient": _counts(runs, "insufficient"),
    }


def _counts(runs: list[Ended], outcome: Outcome) -> dict[str, int]:
    """Returns in how many runs each metric's last verdict was this one."""
    named = (name for run in runs for name, last in run.outcomes.items() if last == outcome)
    return dict(Counter(named).most_common())


def _of_all(requests: list[int], runs: int) -> dict[str, int | None]:
    counts = np.sort(np.array(requests, dtype=float))
    padded = np.concatenate([counts, np.full(runs - counts.size, np.inf)])
    found = {
        name: float(np.quantile(padded, quantile, method="higher"))
        for name, quantile in (("median", 0.5), ("p90", 0.9))
    }
    return {name: int(value) if np.isfinite(value) else None for name, value in found.items()}
