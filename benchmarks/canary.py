"""`python -m benchmarks.canary`: how often the canary analysis is wrong, and how soon it is right.

The truth is simulated: canaries that are as good as stable, better and worse, under traffic whose
requests depend on each other. The rules judge all of them look by look; ours with the functions
that run in the service, beside two that are often written first. Ours must reach goals: where it
does not, the command says so and ends with exit code 1.
"""

import gc
import timeit
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from app.cli.output import make_console
from benchmarks.canary_study.cases import CASES, Case
from benchmarks.canary_study.gathering import evidence_by_look
from benchmarks.canary_study.rules import MannWhitney, Ours, Window, ends_of_looks
from benchmarks.canary_study.study import MakeRule, measure, policy
from benchmarks.canary_study.traffic import simulate
from benchmarks.load.output import Steps, progress, result_of, write_result
from deployments.canary.rollout import decide, start

_RULES: dict[str, MakeRule] = {"ours": Ours, "Mann-Whitney": MannWhitney, "window": Window}
_PART_OF_OTHERS = 20
"""The other rules get a twentieth of the runs, the first ones: their errors are not rare."""
_MARKS = {True: "met", False: "missed", None: "too few runs"}


def main(
    runs: Annotated[int, typer.Option(min=10, help="Runs of an equal canary.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same figures.")] = 1,
    output: Annotated[Path | None, typer.Option(help="File for the JSON result.")] = None,
) -> None:
    """Simulate canaries, good and bad, and count false alarms, misses and requests.

    Goals that take more runs than there are say nothing. Exit code 1: a goal was missed.

    Example: python -m benchmarks.canary --output benchmarks/results/canary.json
    """
    # What is loaded by now never becomes garbage, and to look through it takes time.
    gc.freeze()
    results = []
    plan = [(case, name) for case in CASES for name in _RULES if name == "ours" or case.others]
    with progress(sum(_runs(case, name, runs) for case, name in plan), "starting") as bar:
        for case, name in plan:
            bar.done(f"{case.scenario.name}, {name}", steps=0)
            results.append(_measured(case, name, runs, seed, bar))
    cost = _cost_us(CASES[0])
    console = make_console()
    console.print(_table(results))
    console.print(f"One decision on every metric: {cost:.0f} microseconds.")
    if output is not None:
        configuration = {"runs": runs, "seed": seed, "policy": _policy_of(CASES[0])}
        write_result(
            output,
            result_of(configuration=configuration, results={"cases": results, "decision_us": cost}),
        )
    missed = [
        f"{result['canary']}, baseline {result['baseline_ratio']:.0f}x: {goal}"
        for result in results
        for goal, met in result["goals"].items()
        if met is False
    ]
    for line in missed:
        console.print(f"Goal missed: {line}")
    if missed:
        raise typer.Exit(1)


def _runs(case: Case, rule: str, runs: int) -> int:
    return max(runs // (case.part if rule == "ours" else _PART_OF_OTHERS), 1)


def _measured(case: Case, rule: str, runs: int, seed: int, bar: Steps) -> dict[str, Any]:
    found = measure(
        case.scenario,
        _RULES[rule],
        runs=_runs(case, rule, runs),
        looks=case.looks,
        baseline_ratio=case.baseline_ratio,
        promotes=case.promotes,
        seed=seed,
        on_done=bar.done,
        min_ratings=case.min_ratings,
    )
    return {
        "canary": case.scenario.name,
        "baseline_ratio": case.baseline_ratio,
        "looks": case.looks,
        "promotes": case.promotes,
        "min_ratings": case.min_ratings,
        "rule": rule,
        **found,
        "goals": {str(goal): goal.met(found) for goal in case.goals} if rule == "ours" else {},
    }


def _policy_of(case: Case) -> dict[str, Any]:
    rules = policy(baseline_ratio=case.baseline_ratio, looks=case.looks, promotes=case.promotes)
    return rules.model_dump(mode="json")


def _cost_us(case: Case) -> float:
    """Returns the time of one decision after all looks, in microseconds."""
    rules = policy(baseline_ratio=case.baseline_ratio, looks=case.looks, promotes=case.promotes)
    run = simulate(
        case.scenario, runs=1, looks=case.looks, baseline_ratio=case.baseline_ratio, seed=0
    )
    traffic = next(run)
    ends = ends_of_looks(traffic, case.looks)
    *_, evidence = evidence_by_look(traffic, ends, block_s=rules.block_s)
    times_s = timeit.repeat(lambda: decide(rules, evidence, start(0.0), 0.0), number=20, repeat=10)
    return round(min(times_s) / 20 * 1e6, 1)


def _table(results: list[dict[str, Any]]) -> Table:
    table = Table("canary", "baseline", "rule")
    for heading in ("runs", "rolled back", "after", "promoted", "after"):
        table.add_column(heading, justify="right")
    table.add_column("goals")
    for result in results:
        first = result["rule"] == "ours"
        if first:
            table.add_section()
        table.add_row(
            result["canary"] if first else "",
            f"{result['baseline_ratio']:.0f}x" if first else "",
            result["rule"],
            str(result["runs"]),
            f"{result['rolled_back']:.1%}",
            _requests(result["requests_to_roll_back"]),
            f"{result['promoted']:.1%}" if result["promotes"] and first else "-",
            _requests(result["requests_to_promote"]),
            "\n".join(f"{goal}: {_MARKS[met]}" for goal, met in result["goals"].items()),
        )
    return table


def _requests(found: dict[str, int | None]) -> str:
    return "-" if found["median"] is None else str(found["median"])


if __name__ == "__main__":
    typer.run(main)
