"""`python -m benchmarks.tracking`: what keeping everything on record costs a request, and whether
anything is lost.

Two gateways stand before the same stages without work: one keeps nothing but its access line, the
other one traces, usage and figures, in a real MLflow server on the same machine. First, both are
asked in turns. Then the second one gets more than MLflow takes at once, and in the end MLflow is
asked for every trace.
"""

import asyncio
import random
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.table import Table

from app.cli.output import make_console
from benchmarks.load.arrivals import poisson
from benchmarks.load.driver import open_loop
from benchmarks.load.output import Steps, progress, result_of, write_result
from benchmarks.load.summary import summarise
from benchmarks.noop.stack import CONFIGS, NoopStack
from benchmarks.peers.mlflow_server import MlflowServer
from benchmarks.peers.process import ServerFailed, stop_on_termination
from benchmarks.tracking_study.asker import TRACKED, UNTRACKED, Asker
from benchmarks.tracking_study.stored import missing_traces

_EXPERIMENT = "ragserve"
_WARMUP_PAIRS = 100
_PAUSE_S = 0.01
_PERCENTS = (50, 95, 99)
_GATEWAYS = {UNTRACKED: "off", TRACKED: "on"}
_ACTORS = {
    UNTRACKED: "ServeReplica:gateway:Ingress",
    TRACKED: "ServeReplica:gateway-tracked:Ingress",
}
_RESAMPLES = 2000
_GOALS = {"added_p50_ms": 0.5, "added_p99_ms": 5.0, "lost_traces": 0}


def main(
    pairs: Annotated[
        int, typer.Option(min=100, help="Requests to each gateway in the comparison.")
    ] = 3000,
    flood_rate: Annotated[float, typer.Option(min=1, help="The same of the flood.")] = 200,
    flood_s: Annotated[float, typer.Option("--flood", min=1, help="Seconds of the flood.")] = 60,
    seed: Annotated[int, typer.Option(help="Of arrivals and turns.")] = 7,
    output: Annotated[Path | None, typer.Option(help="File for the JSON result.")] = None,
) -> None:
    """Measure what tracking adds to a request, and look for traces that were lost.

    Exits with 1 when a goal is missed.

    Example: python -m benchmarks.tracking --output tracking.json
    """
    stop_on_termination()
    configuration = {
        "pairs": pairs,
        "flood_rate": flood_rate,
        "flood_s": flood_s,
        "seed": seed,
    }
    config = CONFIGS / "serve_config.tracked.yaml"
    with (
        tempfile.TemporaryDirectory() as folder,
        progress(3, "starting") as bar,
        MlflowServer(Path(folder)) as mlflow,
        NoopStack(
            Path(folder) / "stack", haproxy=True, config=config, mlflow_url=mlflow.url
        ) as stack,
    ):
        bar.done("comparing")
        compared = asyncio.run(_compare(stack, pairs, seed))
        bar.done("flooding")
        flooded, answered = asyncio.run(_flood(stack, flood_rate, flood_s, seed))
        bar.done("waiting for MLflow")
        flooded |= _count_lost(mlflow.url, answered, bar)
    results = {"compared": compared, "flooded": flooded}
    make_console().print(_table(results))
    if output is not None:
        write_result(output, result_of(configuration=configuration, results=results))
    measured = compared["added"] | {"lost_traces": flooded["lost_traces"]}
    missed = [name for name, goal in _GOALS.items() if measured[name] > goal]
    if missed:
        make_console().print(f"[red]Missed:[/] {', '.join(missed)}")
        raise typer.Exit(1)


async def _compare(stack: NoopStack, pairs: int, seed: int) -> dict[str, Any]:
    """Asks both gateways as often, in an order that chance decides, one request after the other."""
    chance = random.Random(seed)
    latencies_ms: dict[str, list[float]] = {gateway: [] for gateway in _GATEWAYS}
    async with Asker(stack.url) as asker:
        for _ in range(_WARMUP_PAIRS):
            for gateway in _GATEWAYS:
                await asker.ask(gateway)
        before = {gateway: stack.cpu_s(actor=actor) for gateway, actor in _ACTORS.items()}
        for _ in range(pairs):
            for gateway in chance.sample(list(_GATEWAYS), len(_GATEWAYS)):
                began_s = time.perf_counter()
                reply = await asker.ask(gateway)
                took_ms = (time.perf_counter() - began_s) * 1e3
                if reply.outcome != "ok":
                    raise ServerFailed(f"a request was not answered: {reply.detail}")
                latencies_ms[gateway].append(took_ms)
                await asyncio.sleep(chance.expovariate(1 / _PAUSE_S))
        used = {
            gateway: stack.cpu_s(actor=actor) - before[gateway]
            for gateway, actor in _ACTORS.items()
        }
    found: dict[str, Any] = {"requests_each": pairs}
    for gateway, name in _GATEWAYS.items():
        percentiles = np.percentile(latencies_ms[gateway], _PERCENTS)
        found[name] = {
            **{
                f"p{percent}_ms": round(float(value), 3)
                for percent, value in zip(_PERCENTS, percentiles, strict=True)
            },
            "gateway_cpu_ms_per_request": round(used[gateway] * 1e3 / pairs, 3),
        }
    return found | {"added": _added(latencies_ms[TRACKED], latencies_ms[UNTRACKED], seed)}


def _added(on_ms: list[float], off_ms: list[float], seed: int) -> dict[str, Any]:
    """Returns the differences of percentiles, with bootstrap intervals."""
    draw = np.random.default_rng(seed)
    values = [np.array(on_ms), np.array(off_ms)]
    result: dict[str, Any] = {}
    for percent in _PERCENTS:
        drawn = [
            np.subtract(
                *(np.percentile(draw.choice(value, len(value)), percent) for value in values)
            )
            for _ in range(_RESAMPLES)
        ]
        difference = np.subtract(*(np.percentile(value, percent) for value in values))
        result[f"added_p{percent}_ms"] = round(float(difference), 3)
        low, high = np.percentile(drawn, [2.5, 97.5])
        result[f"added_p{percent}_ci95_ms"] = [round(float(low), 3), round(float(high), 3)]
    return result


async def _flood(
    stack: NoopStack, rate: float, duration_s: float, seed: int
) -> tuple[dict[str, Any], set[str]]:
    async with Asker(stack.url) as asker:
        before_s = stack.cpu_s(actor=_ACTORS[TRACKED])
        samples = await open_loop(
            lambda _: asker.ask(TRACKED), poisson(rate, duration_s=duration_s, seed=seed)
        )
        cpu_s = stack.cpu_s(actor=_ACTORS[TRACKED]) - before_s
    found = summarise(samples, duration_s=duration_s) | {"gateway_cpu_s": round(cpu_s, 2)}
    return found, asker.answered


def _count_lost(mlflow_url: str, answered: set[str], bar: Steps) -> dict[str, Any]:
    lost = missing_traces(
        mlflow_url,
        answered,
        experiment=_EXPERIMENT,
        patience_s=60.0,
        on_look=lambda found: bar.done(f"MLflow has {found} of {len(answered)}", steps=0),
    )
    return {"answered": len(answered), "lost_traces": len(lost)}


def _table(results: dict[str, Any]) -> Table:
    compared, flooded = results["compared"], results["flooded"]
    table = Table("", "off", "on", "added", title="Keeping everything on record")
    for percent in ("p50", "p95", "p99"):
        low, high = compared["added"][f"added_{percent}_ci95_ms"]
        table.add_row(
            f"{percent}, ms",
            f"{compared['off'][f'{percent}_ms']:.2f}",
            f"{compared['on'][f'{percent}_ms']:.2f}",
            f"{compared['added'][f'added_{percent}_ms']:.2f} ({low:.2f} to {high:.2f})",
        )
    cpu = [compared[name]["gateway_cpu_ms_per_request"] for name in ("off", "on")]
    table.add_row("gateway CPU, ms", f"{cpu[0]:.2f}", f"{cpu[1]:.2f}", f"{cpu[1] - cpu[0]:.2f}")
    offered, lost = flooded["count"], flooded["lost_traces"]
    table.add_row("flood", "", f"{flooded['answered']} of {offered} answered", f"{lost} lost")
    return table


if __name__ == "__main__":
    typer.run(main)
