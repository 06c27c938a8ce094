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
from benchmarks.soak_study.processes import CpuTimes, Stack

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
    by_name = taken_by_name(before, after, took_s)
    everything = [percent for percents in by_name.values() for percent in percents]
    table = Table("process", "how many", "% of a core")
    for name, percents in by_name.items():
        table.add_row(name, str(len(percents)), f"{sum(percents):.2f}")
    table.add_section()
    table.add_row("all", str(len(everything)), f"{sum(everything):.2f}")
    console.print(table)
    if output is not None:
        results = {
            "seconds": round(took_s, 1),
            "percent_of_a_core": {name: round(sum(each), 2) for name, each in by_name.items()},
            "processes": {name: len(each) for name, each in by_name.items()},
            "all": round(sum(everything), 2),
        }
        write_result(output, result_of(configuration={"seconds": seconds}, results=results))


def taken_by_name(before: CpuTimes, after: CpuTimes, took_s: float) -> dict[str, list[float]]:
    """Returns the percent of a core that each process took which was there all the time, by its
    name; who took most together comes first.

    >>> taken_by_name({("a", 1): 1.0, ("b", 2): 0.0}, {("a", 1): 1.5, ("b", 2): 2.0}, 10.0)
    {'b': [20.0], 'a': [5.0]}
    """
    taken: dict[str, list[float]] = defaultdict(list)
    for (name, pid), cpu_s in after.items():
        if (name, pid) in before:
            taken[name].append(100 * (cpu_s - before[name, pid]) / took_s)
    return dict(sorted(taken.items(), key=lambda item: -sum(item[1])))


if __name__ == "__main__":
    typer.run(main)
