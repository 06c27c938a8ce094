"""`python -m benchmarks.canary`: how often the canary analysis is wrong, and how soon it is right.

The truth is simulated: canaries that are as good as stable, better and worse, under traffic whose
requests depend on each other. The rules judge all of them look by look; ours with the functions
that run in the service, beside two that are often written first.
"""

import timeit
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from app.cli.output import make_console
from benchmarks.canary_study.rules import MannWhitney, Ours, Window, ends_of_looks
from benchmarks.canary_study.study import MakeRule, measure, policy
from benchmarks.canary_study.traffic import LOOKS, Scenario, simulate
from benchmarks.load.output import Steps, progress, result_of, write_result

_RULES: dict[str, MakeRule] = {"ours": Ours, "Mann-Whitney": MannWhitney, "window": Window}
_RATIO = 4.0
_LONG = 120
_NAIVE_PART = 5
"""The other rules get a fifth of the runs, the first ones: their errors are not rare."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is simulated, and with what in mind: an equal canary is `alarm` where only rollbacks
    are looked for, at every look."""

    scenario: Scenario
    expects: str
    looks: int = LOOKS
    baseline_ratio: float = _RATIO
    others: bool = True


_EQUAL = [
    Scenario("as good as stable"),
    Scenario("as good, load AR(1)", dependence="load"),
    Scenario("as good, common drift", dependence="drift"),
    Scenario("as good, 400 users", dependence="users"),
    Scenario("as good, replicas AR(1)", dependence="replica"),
]
_WORSE = [
    Scenario("25 % slower", slower=1.25),
    Scenario("errors 1 % to 5 %", shares={"error": 0.05}),
    Scenario("errors none to 3 %", shares={"error": 0.03}, stable_shares={"error": 0.0}),
    Scenario("same median, wider", sigma=0.9),
]
_CASES = [
    *(Case(one, "no rollback") for one in _EQUAL),
    Case(_EQUAL[0], "no rollback", baseline_ratio=1.0),
    Case(_EQUAL[3], "no rollback", baseline_ratio=1.0),
    *(Case(one, "rollback") for one in _WORSE),
    Case(_WORSE[0], "rollback", baseline_ratio=1.0, others=False),
    Case(_WORSE[1], "rollback", baseline_ratio=1.0, others=False),
    Case(
        Scenario("errors 5 %, stable's unknown", shares={"error": 0.05}, blind="error"),
        "no promotion",
    ),
    Case(_EQUAL[0], "promotion", looks=_LONG, others=False),
    Case(Scenario("20 % faster", slower=0.8), "promotion", looks=_LONG, others=False),
    Case(Scenario("10 % slower, at the margin", slower=1.1), "no promotion", others=False),
]


def main(
    runs: Annotated[int, typer.Option(min=10, help="Runs of each equal canary.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same figures.")] = 1,
    output: Annotated[Path | None, typer.Option(help="File for the JSON result.")] = None,
) -> None:
    """Simulate canaries, good and bad, and count false alarms, misses and requests.

    Example: python -m benchmarks.canary --output benchmarks/results/canary.json
    """
    results = []
    plan = [(case, name) for case in _CASES for name in _RULES if name == "ours" or case.others]
    with progress(sum(_runs(case, name, runs) for case, name in plan), "starting") as bar:
        for case, name in plan:
            bar.done(f"{case.scenario.name}, {name}", steps=0)
            results.append(_measured(case, name, runs, seed, bar))
    cost = _cost_us()
    console = make_console()
    console.print(_table(results))
    console.print(f"One verdict on every metric: {cost:.0f} microseconds.")
    if output is not None:
        configuration = {"runs": runs, "seed": seed, "policy": _policy_of(_CASES[0])}
        write_result(
            output,
            result_of(configuration=configuration, results={"cases": results, "verdict_us": cost}),
        )


def _runs(case: Case, rule: str, runs: int) -> int:
    return runs if rule == "ours" and case.expects == "no rollback" else runs // _NAIVE_PART


def _measured(case: Case, rule: str, runs: int, seed: int, bar: Steps) -> dict[str, Any]:
    found = measure(
        case.scenario,
        _RULES[rule],
        runs=_runs(case, rule, runs),
        looks=case.looks,
        baseline_ratio=case.baseline_ratio,
        promotes=case.expects != "no rollback",
        seed=seed,
        on_done=bar.done,
    )
    return {
        "canary": case.scenario.name,
        "expected": case.expects,
        "baseline_ratio": case.baseline_ratio,
        "rule": rule,
        **found,
    }


def _policy_of(case: Case) -> dict[str, Any]:
    rules = policy(baseline_ratio=case.baseline_ratio, looks=case.looks, promotes=True)
    return rules.model_dump(mode="json")


def _cost_us() -> float:
    """Returns the time of one decision after 40 looks, in microseconds."""
    traffic = next(simulate(_EQUAL[0], runs=1, looks=LOOKS, baseline_ratio=_RATIO, seed=0))
    rule = Ours(traffic, policy(baseline_ratio=_RATIO, looks=LOOKS, promotes=False))
    end = int(ends_of_looks(traffic, LOOKS)[-1])
    rule.look(slice(0, end), 0.0)
    times_s = timeit.repeat(rule.decide, number=20, repeat=10)
    return round(min(times_s) / 20 * 1e6, 1)


def _table(results: list[dict[str, Any]]) -> Table:
    table = Table("canary", "baseline", "expected", "rule")
    for heading in ("runs", "rolled back", "after", "promoted", "after"):
        table.add_column(heading, justify="right")
    last = None
    for one in results:
        key = one["canary"], one["baseline_ratio"], one["expected"]
        if key != last:
            table.add_section()
        table.add_row(
            one["canary"] if key != last else "",
            f"{one['baseline_ratio']:.0f}x" if key != last else "",
            one["expected"] if key != last else "",
            one["rule"],
            str(one["runs"]),
            f"{one['rolled_back']:.1%}",
            _requests(one["requests_to_roll_back"]),
            f"{one['promoted']:.1%}",
            _requests(one["requests_to_promote"]),
        )
        last = key
    return table


def _requests(found: dict[str, int | None]) -> str:
    return "-" if found["median"] is None else str(found["median"])


if __name__ == "__main__":
    typer.run(main)
