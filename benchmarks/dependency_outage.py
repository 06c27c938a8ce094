"""`python -m benchmarks.dependency_outage`: what a running stack depends on is stopped under load,
and started again.

Compared are the phases before, without and after it. How it is stopped and started is said by two
commands, as it may be anything: Redis, PostgreSQL, MLflow, Chroma.
"""

import subprocess
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app.cli.options import UrlOption
from app.cli.output import make_console
from app.client.address import DEFAULT_URL
from benchmarks.addresses import check_address
from benchmarks.load.output import progress, result_of, write_result
from benchmarks.load_test import Endpoint
from benchmarks.locust_support.phases import SETTLE_S, figures_of
from benchmarks.locust_support.request_log import read_requests
from benchmarks.locust_support.run import LoadPlan, RunFailed, request_log, run_locust
from benchmarks.peers.process import stop_on_termination

_OUTPUT = Path(".ragserve/outage")
_COMMAND_TIMEOUT_S = 60.0


def main(
    stop: Annotated[str, typer.Option(help="Shell command that stops the dependency.")],
    start: Annotated[str, typer.Option(help="Shell command that starts it again, and returns.")],
    url: UrlOption = DEFAULT_URL,
    phase_s: Annotated[float, typer.Option("--phase", min=5, help="Seconds of a phase.")] = 30,
    users: Annotated[int, typer.Option(min=1, help="Users at the same time.")] = 4,
    think_median_s: Annotated[
        float, typer.Option("--think", min=0.001, help="Median pause of a user, in seconds.")
    ] = 0.5,
    key: Annotated[
        list[str] | None,
        typer.Option(envvar="RAGSERVE_LOAD_KEYS", help="API key; each user has one of them."),
    ] = None,
    endpoint: Annotated[
        list[Endpoint] | None, typer.Option(help="Ask this alone; repeatable. All if none.")
    ] = None,
    most_slower_ms: Annotated[
        float, typer.Option("--most-slower", help="By how many milliseconds the p99 may rise.")
    ] = 50.0,
    output: Annotated[Path, typer.Option(help="Folder for tables and the result.")] = _OUTPUT,
) -> None:
    """Stop a dependency of the running service under load, and start it again.

    Exits with 1 when a request failed, or the p99 rose by more than is allowed.

    Example: python -m benchmarks.dependency_outage --stop 'kill $(cat redis.pid)' --start
    'redis-server --port 6390 --daemonize yes --pidfile $PWD/redis.pid'
    """
    stop_on_termination()
    console = make_console()
    try:
        address = check_address(url)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--url") from error
    endpoints = tuple(one.value for one in endpoint or ())
    plan = LoadPlan(
        *(address, users, 3.0, SETTLE_S + 3 * phase_s, think_median_s, None),
        keys=tuple(key or ()),
        endpoints=endpoints,
    )
    try:
        result = _run(plan, phase_s, stop, start, output)
    except RunFailed as error:
        Console(stderr=True).print(f"[bold red]Error:[/] {escape(str(error))}", highlight=False)
        raise typer.Exit(2) from error
    console.print(_table(result))
    configuration = {**plan.described(), "stop": stop, "start": start, "phase_s": phase_s}
    write_result(output / "result.json", result_of(configuration=configuration, results=result))
    slower_ms = result["without"]["p99_ms"] - result["before"]["p99_ms"]
    if sum(one["failed"] for one in result.values()) or slower_ms > most_slower_ms:
        raise typer.Exit(1)


def _run(plan: LoadPlan, phase_s: float, stop: str, start: str, folder: Path) -> dict[str, Any]:
    begins_s = {"before": SETTLE_S}
    is_away = False
    with progress(3, "load") as bar:

        def on_tick(passed_s: float) -> None:
            nonlocal is_away
            if "without" not in begins_s and passed_s > SETTLE_S + phase_s:
                begins_s["without"] = passed_s
                _shell(stop)
                is_away = True
                bar.done("load, without it")
            elif "after" not in begins_s and passed_s > SETTLE_S + 2 * phase_s:
                _shell(start)
                is_away = False
                begins_s["after"] = passed_s
                bar.done("load, with it again")

        try:
            run_locust(plan, folder=folder, html=folder / "report.html", on_tick=on_tick)
        finally:
            if is_away:  # what was stopped here does not stay so
                _shell(start)
    return figures_of(read_requests(request_log(folder)), begins_s)


def _shell(command: str) -> None:
    done = subprocess.run(
        command, shell=True, capture_output=True, text=True, timeout=_COMMAND_TIMEOUT_S, check=False
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise RunFailed(f"the command ended with code {done.returncode}: {command}\n{said}")


def _table(result: dict[str, Any]) -> Table:
    table = Table("", "requests", "failed", "refused", "p50 ms", "p95 ms", "p99 ms")
    for phase, figures in result.items():
        table.add_row(phase, *map(str, figures.values()))
    return table


if __name__ == "__main__":
    typer.run(main)
