"""`python -m benchmarks.outage`: MLflow is killed under load, and comes back.

A stack with stages that do no work answers Locust's users, with a real MLflow server beside it.
What is compared are the three phases before, during and after; at the end MLflow is asked for the
trace of every answer.
"""

import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app.cli.output import make_console
from benchmarks.load.output import progress, result_of, write_result
from benchmarks.locust_support.phases import SETTLE_S, figures_of
from benchmarks.locust_support.request_log import read_requests
from benchmarks.locust_support.run import LoadPlan, RunFailed, request_log, run_locust
from benchmarks.noop.stack import CONFIGS, NoopStack
from benchmarks.peers.mlflow_server import MlflowServer
from benchmarks.peers.process import ServerFailed, stop_on_termination
from benchmarks.tracking_study.asker import TRACKED
from benchmarks.tracking_study.stored import await_count

_EXPERIMENT = "ragserve"
_PHASES = ("before", "killed", "restarted")
_RAMP_S = 3.0
_MAX_SLOWER = 0.05


def main(
    phase_s: Annotated[float, typer.Option("--phase", min=5, help="Seconds of a phase.")] = 30,
    users: Annotated[int, typer.Option(min=1, help="Users at the same time.")] = 8,
    think_median_s: Annotated[
        float, typer.Option("--think", min=0.001, help="Median pause of a user, in seconds.")
    ] = 0.3,
    output: Annotated[Path | None, typer.Option(help="File for the JSON result.")] = None,
) -> None:
    """Kill MLflow under load, start it again, and look for failed requests and lost traces.

    Exits with 1 when a request failed, a trace is missing, or the p95 rose by more than 5 %.

    Example: python -m benchmarks.outage --output outage.json
    """
    stop_on_termination()
    console = make_console()
    try:
        with tempfile.TemporaryDirectory() as folder:
            result = _run(Path(folder), phase_s, users, think_median_s)
    except (ServerFailed, RunFailed) as error:
        Console(stderr=True).print(f"[bold red]Error:[/] {escape(str(error))}", highlight=False)
        raise typer.Exit(2) from error
    console.print(_table(result))
    if output is not None:
        configuration = {"phase_s": phase_s, "users": users, "think_median_s": think_median_s}
        write_result(output, result_of(configuration=configuration, results=result))
    slower = result["killed"]["p95_ms"] / result["before"]["p95_ms"] - 1
    if result["failed"] or result["missing_traces"] or slower > _MAX_SLOWER:
        raise typer.Exit(1)


def _run(folder: Path, phase_s: float, users: int, think_median_s: float) -> dict[str, Any]:
    config = CONFIGS / "serve_config.tracked.yaml"
    with (
        progress(4, "starting") as bar,
        MlflowServer(folder) as mlflow,
        NoopStack(folder / "stack", haproxy=True, config=config, mlflow_url=mlflow.url) as stack,
    ):
        bar.done("load, MLflow running")
        moments = {"before": SETTLE_S}

        def on_tick(passed_s: float) -> None:
            if "killed" not in moments and passed_s > SETTLE_S + phase_s:
                mlflow.kill()
                moments["killed"] = passed_s
                bar.done("load, MLflow killed")
            elif "restarted" not in moments and passed_s > SETTLE_S + 2 * phase_s:
                mlflow.start(wait=False)
                moments["restarted"] = passed_s
                bar.done("load, MLflow restarted")

        plan = LoadPlan(
            url=stack.url + TRACKED,
            users=users,
            ramp_s=_RAMP_S,
            duration_s=SETTLE_S + 3 * phase_s,
            think_median_s=think_median_s,
            queries=None,
            user="Asker",
        )
        run_locust(plan, folder=folder, html=folder / "report.html", on_tick=on_tick)
        requests = read_requests(request_log(folder))
        answered = sum(request.outcome == "ok" for request in requests)
        found = await_count(
            mlflow.url,
            answered,
            experiment=_EXPERIMENT,
            patience_s=60.0,
            on_look=lambda found: bar.done(f"MLflow has {found} of {answered}", steps=0),
        )
    return {
        **figures_of(requests, moments),
        "requests": len(requests),
        "failed": sum(request.outcome == "failed" for request in requests),
        "refused": sum(request.outcome == "refused" for request in requests),
        "answered": answered,
        "missing_traces": answered - found,
    }


def _table(result: dict[str, Any]) -> Table:
    table = Table("MLflow", "requests", "failed", "p50 ms", "p95 ms")
    for phase in _PHASES:
        one = result[phase]
        values = (one["requests"], one["failed"], one["p50_ms"], one["p95_ms"])
        table.add_row(phase, *map(str, values))
    table.caption = f"{result['answered']} answers, {result['missing_traces']} without a trace"
    return table


if __name__ == "__main__":
    typer.run(main)
