"""`python -m benchmarks.overhead`: what the way through the graph costs, with stages that do
nothing.

Each setting is a stack of its own, started for the measurement: Serve's defaults, and those that
`ragserve up` makes. Paths of one to four hops are asked in turns, one request at a time and 32 at
once.
"""

import asyncio
import statistics
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from app.cli.output import make_console
from benchmarks.load.driver import Sample, closed_loop
from benchmarks.load.http import HttpTarget
from benchmarks.load.output import Steps, figure, progress, result_of, write_result
from benchmarks.load.summary import summarise_runs
from benchmarks.noop.stack import NoopStack
from benchmarks.peers.process import stop_on_termination

_SETTINGS = {"serve defaults": False, "ragserve up": True}
_PATHS = {
    1: ("/v1/embeddings", b'{"model": "noop", "input": "x", "encoding_format": "base64"}'),
    2: ("/v1/search", b'{"query": "x", "rerank": false}'),
    3: ("/v1/search", b'{"query": "x", "rerank": true}'),
    4: ("/v1/query", b'{"query": "x"}'),
}
"""By hops: how many stages a request asks one after the other."""
_CONCURRENCIES = (1, 32)


def main(
    rounds: Annotated[int, typer.Option(min=1, help="Turns of each path.")] = 3,
    duration_s: Annotated[
        float, typer.Option("--duration", min=0.5, help="Seconds of one measurement.")
    ] = 4.0,
    output: Annotated[Path | None, typer.Option(help="File for the JSON result.")] = None,
    plot: Annotated[Path | None, typer.Option(help="File for the picture (PNG).")] = None,
) -> None:
    """Measure latency per hop, and requests per second and per core of the service.

    Example: python -m benchmarks.overhead --output overhead.json --plot overhead.png
    """
    stop_on_termination()
    steps = len(_SETTINGS) * rounds * len(_PATHS) * len(_CONCURRENCIES)
    results = []
    with tempfile.TemporaryDirectory() as folder, progress(steps, "starting") as bar:
        for name, haproxy in _SETTINGS.items():
            with NoopStack(Path(folder) / str(haproxy), haproxy=haproxy) as stack:
                results.append(
                    {"setting": name, **asyncio.run(_measure(stack, rounds, duration_s, bar))}
                )
    result = result_of(configuration={"rounds": rounds, "duration_s": duration_s}, results=results)
    make_console().print(_table(results))
    if output is not None:
        write_result(output, result)
    if plot is not None:
        _draw(plot, results)


async def _measure(stack: NoopStack, rounds: int, duration_s: float, bar: Steps) -> dict[str, Any]:
    runs: dict[tuple[int, int], list[list[Sample]]] = {}
    cpu_s: dict[tuple[int, int], float] = {}
    async with HttpTarget(stack.url) as target:
        for _ in range(rounds):
            for hops, (path, body) in _PATHS.items():
                for concurrency in _CONCURRENCIES:
                    key = hops, concurrency
                    before_s = stack.cpu_s()
                    samples = await closed_loop(
                        lambda _, path=path, body=body: target.post(path, body),  # type: ignore[misc]
                        concurrency=concurrency,
                        duration_s=duration_s,
                    )
                    cpu_s[key] = cpu_s.get(key, 0.0) + stack.cpu_s() - before_s
                    runs.setdefault(key, []).append(samples)
                    bar.done(f"{hops} hops, {concurrency} at once")
    points = []
    for (hops, concurrency), found in runs.items():
        answers = sum(sample.outcome == "ok" for run in found for sample in run)
        points.append(
            {
                "hops": hops,
                "concurrency": concurrency,
                "requests_per_core_s": round(answers / cpu_s[hops, concurrency], 1),
                **summarise_runs(found, duration_s=duration_s),
            }
        )
    return {"ms_per_hop": _ms_per_hop(points), "points": points}


def _ms_per_hop(points: list[dict[str, Any]]) -> float:
    """Returns the slope of the line through the medians of single requests."""
    alone = [(point["hops"], point["p50_ms"]) for point in points if point["concurrency"] == 1]
    hops, medians = zip(*alone, strict=True)
    return round(statistics.linear_regression(hops, medians).slope, 2)


def _table(results: list[dict[str, Any]]) -> Table:
    table = Table("setting", "hops", "at once", "p50 ms", "p95 ms", "requests/s", "per core")
    for result in results:
        for point in result["points"]:
            table.add_row(
                result["setting"],
                str(point["hops"]),
                str(point["concurrency"]),
                f"{point['p50_ms']:.1f}",
                f"{point['p95_ms']:.1f}",
                f"{point['requests_per_s']:.0f}",
                f"{point['requests_per_core_s']:.0f}",
            )
    return table


def _draw(path: Path, results: list[dict[str, Any]]) -> None:
    with figure(path, columns=2) as (alone, together):
        for result in results:
            for panel, concurrency, field in (
                (alone, 1, "p50_ms"),
                (together, _CONCURRENCIES[-1], "requests_per_s"),
            ):
                points = [
                    point for point in result["points"] if point["concurrency"] == concurrency
                ]
                panel.plot(
                    [point["hops"] for point in points],
                    [point[field] for point in points],
                    marker="o",
                    label=result["setting"],
                )
        alone.set(xlabel="hops", ylabel="median, ms", title="One request at a time")
        together.set(xlabel="hops", ylabel="requests per second", title="32 at once")
        for panel in (alone, together):
            panel.set_xticks(list(_PATHS))
            panel.set_ylim(bottom=0)
        alone.legend()


if __name__ == "__main__":
    typer.run(main)
