"""`python -m benchmarks.soak`: hours of load on the local stack, and whether anything grows.

Every process is looked at twice a minute: memory, open files, threads. A line through what was seen
after the warm-up says by how many percent an hour it grew.
"""

from collections import defaultdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.table import Table

from app.cli.options import DEFAULT_HOME, HomeOption, UrlOption
from app.cli.output import make_console
from app.client.address import DEFAULT_URL
from benchmarks.addresses import check_address
from benchmarks.load.output import progress, result_of, write_result
from benchmarks.locust_support.request_log import Request, read_requests
from benchmarks.locust_support.run import LoadPlan, RunFailed, request_log, run_locust
from benchmarks.peers.process import stop_on_termination
from benchmarks.soak_study.drawing import draw
from benchmarks.soak_study.growth import growth, is_growing
from benchmarks.soak_study.processes import Holding, Stack

_OUTPUT = Path(".ragserve/soak")
_LOOK_EVERY_S = 30.0
_LEAST = {"memory_mib": 8.0, "files": 10.0, "threads": 5.0}
"""Less than so much is no growth, whatever its share."""
Looks = list[tuple[float, list[Holding]]]
"""Seconds since the start, and what each process held."""


def main(
    hours: Annotated[float, typer.Option(min=0.05, help="How long.")] = 2.0,
    url: UrlOption = DEFAULT_URL,
    home: HomeOption = DEFAULT_HOME,
    users: Annotated[int, typer.Option(min=1, help="Users at the same time.")] = 4,
    think_median_s: Annotated[
        float, typer.Option("--think", min=0.001, help="Median pause of a user, in seconds.")
    ] = 1.0,
    warm_up_s: Annotated[
        float, typer.Option("--warm-up", help="Seconds of which nothing is judged.")
    ] = 1800.0,
    most_percent_per_h: Annotated[
        float, typer.Option("--most", help="Percent an hour by which anything may grow.")
    ] = 2.0,
    output: Annotated[Path, typer.Option(help="Folder for result, plot and tables.")] = _OUTPUT,
) -> None:
    """Put hours of load on the local stack; exit with 1 when a request failed or something grows.

    Example: python -m benchmarks.soak --hours 2
    """
    stop_on_termination()
    console = make_console()
    try:
        plan = LoadPlan(check_address(url), users, 10.0, hours * 3600, think_median_s, None)
        stack = Stack(home)
        looks = _run(plan, stack, output)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    except RunFailed as error:
        console.print(f"[bold red]Error:[/] {error}", highlight=False)
        raise typer.Exit(2) from error
    requests = read_requests(request_log(output))
    rows = _judged(looks, min(warm_up_s, hours * 1800), most_percent_per_h)
    minutes = _by_minute(requests)
    draw(looks, minutes, output / "soak.png")
    console.print(_table(rows))
    failed = sum(request.outcome == "failed" for request in requests)
    console.print(f"{len(requests)} requests, {failed} failed. Plot: {output / 'soak.png'}")
    configuration = {**plan.described(), "hours": hours, "warm_up_s": warm_up_s}
    results = {"requests": len(requests), "failed": failed, "growth": rows, "minutes": minutes}
    write_result(output / "result.json", result_of(configuration=configuration, results=results))
    if failed or any(row["grows"] for row in rows):
        raise typer.Exit(1)


def _run(plan: LoadPlan, stack: Stack, folder: Path) -> Looks:
    looks: Looks = []
    steps = max(int(plan.duration_s / _LOOK_EVERY_S), 1)
    with progress(steps, "load") as bar:

        def on_tick(passed_s: float) -> None:
            if passed_s >= len(looks) * _LOOK_EVERY_S:
                looks.append((passed_s, stack.holdings()))
                bar.done(f"load, {passed_s / 60:.0f} min")

        run_locust(plan, folder=folder, html=folder / "report.html", on_tick=on_tick)
    return looks


def _judged(looks: Looks, warm_up_s: float, most_percent_per_h: float) -> list[dict[str, Any]]:
    """Returns a row for each process and thing that can be judged, what grows most first."""
    series: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for at_s, holdings in looks:
        for holding in holdings:
            if at_s >= warm_up_s:
                for what in _LEAST:
                    series[holding.name, what].append((at_s, float(getattr(holding, what))))
    rows = []
    for (name, what), points in series.items():
        times_s, values = zip(*points, strict=True)
        if (found := growth(times_s, values)) is not None:
            rows.append(
                {
                    "process": name,
                    "what": what,
                    "begins": round(found.begins, 1),
                    "ends": round(found.ends, 1),
                    "percent_per_h": round(found.percent_per_h, 2),
                    "grows": is_growing(found, most_percent_per_h, least=_LEAST[what]),
                }
            )
    return sorted(rows, key=lambda row: -row["percent_per_h"])


def _by_minute(requests: list[Request]) -> list[dict[str, float]]:
    """Returns the p95 and the number of answers of each minute."""
    minutes: dict[int, list[float]] = defaultdict(list)
    for request in requests:
        if request.outcome == "ok":
            minutes[int(request.started_s // 60)].append(request.latency_ms)
    return [
        {
            "minute": minute,
            "answers": len(latencies_ms),
            "p95_ms": round(float(np.percentile(latencies_ms, 95)), 1),
        }
        for minute, latencies_ms in sorted(minutes.items())
    ]


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table("process", "what", "begins", "ends", "% per hour", "")
    for row in rows[:20]:
        values = [row["process"], row["what"], row["begins"], row["ends"], row["percent_per_h"]]
        table.add_row(*map(str, values), "grows" if row["grows"] else "")
    return table


if __name__ == "__main__":
    typer.run(main)
