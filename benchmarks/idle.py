"""`python -m benchmarks.idle`: what a local stack takes of a core while nobody asks."""

import time
from collections import defaultdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from app.cli.options import DEFAULT_HOME, HomeOption
from app.cli.output import make_console
from benchmarks.load.output import progress, result_of, write_result
from benchmarks.soak_study.processes import Stack

_STEP_S = 5.0


def main(
    home: HomeOption = DEFAULT_HOME,
    seconds: Annotated[float, typer.Option(min=1.0, help="How long.")] = 300.0,
    output: Annotated[Path | None, typer.Option(help="File for the JSON result.")] = None,
) -> None:
    """Watch an idle local stack, and say what each of its processes takes of a core.

    Example: python -m benchmarks.idle --seconds 300
    """
    console = make_console()
    try:
        stack = Stack(home)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    before, began_s = stack.cpu_s(), time.monotonic()
    with progress(int(seconds // _STEP_S) or 1, "watching") as steps:
        while (left_s := began_s + seconds - time.monotonic()) > 0:
            time.sleep(min(_STEP_S, left_s))
            steps.done("watching")
    after, took_s = stack.cpu_s(), time.monotonic() - began_s
    taken = {
        process: 100 * (cpu_s - before[process]) / took_s
        for process, cpu_s in after.items()
        if process in before
    }
    sums: dict[str, float] = defaultdict(float)
    counts: dict[str, int] = defaultdict(int)
    for (name, _), percent in taken.items():
        sums[name] += percent
        counts[name] += 1
    table = Table("process", "how many", "% of a core")
    rows = sorted(sums, key=lambda name: -sums[name])
    for name in rows:
        table.add_row(name, str(counts[name]), f"{sums[name]:.2f}")
    table.add_section()
    table.add_row("all", str(len(taken)), f"{sum(sums.values()):.2f}")
    console.print(table)
    if output is not None:
        results = {
            "seconds": round(took_s, 1),
            "percent_of_a_core": {name: round(sums[name], 2) for name in rows},
            "processes": dict(counts),
            "all": round(sum(sums.values()), 2),
        }
        write_result(output, result_of(configuration={"seconds": seconds}, results=results))


if __name__ == "__main__":
    typer.run(main)
