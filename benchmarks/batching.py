"""`python -m benchmarks.batching`: our batcher beside `@serve.batch` and a fixed wait.

All run in this process, one after the other at each load, on the same model with the same items at
the same times. Load is a percentage of what the model gives when full batches follow each other;
requests arrive in an open loop, and their latency counts from when they were due.
"""

from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.batching_study.drawing import draw
from benchmarks.batching_study.study import Settings, measure
from benchmarks.batching_study.workloads import WORKLOADS
from benchmarks.load.output import progress, result_of, write_result

LOADS_PERCENT = (10, 30, 50, 70, 95, 120, 150)
_QUICK_LOADS_PERCENT = (50, 120)


def main(
    workload: Annotated[
        list[str] | None, typer.Option(help=f"One of {', '.join(WORKLOADS)}; all by default.")
    ] = None,
    load: Annotated[
        list[int] | None, typer.Option(min=1, help="Percent of capacity; several by repeating.")
    ] = None,
    duration: Annotated[
        float, typer.Option(min=0.05, help="Seconds per load, batcher and repeat.")
    ] = 0.9,
    repeats: Annotated[int, typer.Option(min=1, help="Times that every load is measured.")] = 2,
    max_batch_requests: Annotated[int, typer.Option(min=1, help="Entries of a batch.")] = 32,
    slo_batches: Annotated[
        float, typer.Option(min=2.5, help="Longest good latency, in times of a full batch.")
    ] = 6.0,
    fixed_wait_ms: Annotated[
        float, typer.Option(min=0.0, help="Wait of the batcher with a timer.")
    ] = 10.0,
    trace: Annotated[
        Path | None,
        typer.Option(exists=True, help="Arrivals as in this CSV (column arrival_s), not random."),
    ] = None,
    texts: Annotated[
        Path | None, typer.Option(exists=True, help="Texts for the encoder, a line each, or JSONL.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A look in seconds, not a figure.")
    ] = False,
    output: Annotated[Path | None, typer.Option(help="File for the JSON result.")] = None,
    plot: Annotated[Path | None, typer.Option(help="File for the picture, a PNG.")] = None,
) -> None:
    """Measure batchers side by side, from an idle model to one that is asked for too much.

    Example: python -m benchmarks.batching --output batching.json --plot batching.png
    """
    names = workload or list(WORKLOADS)
    unknown = sorted(set(names) - set(WORKLOADS))
    if unknown:
        raise typer.BadParameter(f"unknown: {', '.join(unknown)}", param_hint="--workload")
    settings = Settings(
        loads_percent=tuple(load or (_QUICK_LOADS_PERCENT if quick else LOADS_PERCENT)),
        duration_s=min(duration, 0.25) if quick else duration,
        repeats=1 if quick else repeats,
        max_batch_requests=max_batch_requests,
        slo_batches=slo_batches,
        fixed_wait_s=fixed_wait_ms / 1e3,
        idle_requests=10 if quick else 50,
        trace=trace,
    )
    results: list[dict[str, Any]] = []
    with progress(settings.steps() * len(names), "loading") as steps:
        for name in names:
            steps.done(name, steps=0)
            loaded = WORKLOADS[name](texts)
            results.append(measure(loaded, settings, on_done=steps.done))
    console = Console()
    for result in results:
        console.print(_table(result))
    if output is not None:
        configuration = {
            **asdict(settings),
            "trace": trace.name if trace else None,
            "ray": version("ray"),
        }
        write_result(output, result_of(configuration=configuration, results=results))
    if plot is not None:
        draw(results, plot)


def _table(result: dict[str, Any]) -> Table:
    table = Table(
        title=(
            f"{result['name']}: {result['capacity_per_s']:.0f}/s in batches of "
            f"{result['full_batch_ms']:.0f} ms, in time is {result['slo_ms']:.0f} ms, "
            f"tuned wait {result['tuned_wait_ms']:.0f} ms"
        )
    )
    for heading in ("load %", "batcher"):
        table.add_column(heading)
    for heading in ("p50 ms", "p95 ms", "ok/s", "good/s", "batch", "not ok"):
        table.add_column(heading, justify="right")
    for name, found in result["idle"].items():
        table.add_row("idle", name, f"+{found['idle_added_ms']:.1f}", *[""] * 5)
    last = None
    for point in result["points"]:
        if point["load_percent"] != last:
            table.add_section()
            last = point["load_percent"]
        table.add_row(
            str(last),
            point["batcher"],
            _milliseconds(point["p50_ms"]),
            _milliseconds(point["p95_ms"]),
            f"{point['requests_per_s']:.0f}",
            f"{point['goodput_per_s']:.0f}",
            "-" if point["mean_batch_size"] is None else f"{point['mean_batch_size']:.1f}",
            f"{1 - point['ok'] / max(point['count'], 1):.1%}",
        )
    return table


def _milliseconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


if __name__ == "__main__":
    typer.run(main)
