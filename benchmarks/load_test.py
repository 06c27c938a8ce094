"""`python -m benchmarks.load_test`: users on the running service, judged by `slo.yaml`.

Ends with 0 when every objective is met, 1 when one is missed, and 2 when the input is wrong or the
run could not be made.
"""

from dataclasses import asdict, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from app.cli.options import UrlOption
from app.cli.output import make_console
from app.client.address import DEFAULT_URL
from benchmarks.addresses import RemoteAddress, check_address
from benchmarks.load.knee import Step, knee_of
from benchmarks.load.output import result_of, write_result
from benchmarks.load.summary import summarise
from benchmarks.locust_support.report import findings_table, requests_table, steps_table
from benchmarks.locust_support.request_log import read_requests, samples_by_path
from benchmarks.locust_support.run import (
    LoadPlan,
    RunFailed,
    parse_header,
    request_log,
    run_locust,
)
from benchmarks.locust_support.slo import Slo, judge, read_slo
from benchmarks.peers.process import stop_on_termination
from benchmarks.texts import read_texts

_SLO_FILE = Path(__file__).with_name("slo.yaml")
_OUTPUT = Path(".ragserve/load-test")


class Endpoint(StrEnum):
    """What users may do."""

    QUERY = "query"
    CHAT = "chat"
    SEARCH = "search"
    EMBEDDINGS = "embeddings"
    RERANK = "rerank"


def main(
    url: UrlOption = DEFAULT_URL,
    users: Annotated[int, typer.Option(min=1, help="Users at the same time.")] = 20,
    ramp_s: Annotated[
        float, typer.Option("--ramp", min=0.0, help="Seconds until all users are there.")
    ] = 15.0,
    duration_s: Annotated[
        float, typer.Option("--duration", min=1.0, help="Seconds of load, the ramp included.")
    ] = 60.0,
    think_median_s: Annotated[
        float, typer.Option("--think", min=0.001, help="Median pause of a user, in seconds.")
    ] = 1.0,
    queries: Annotated[
        Path | None,
        typer.Option(
            envvar="RAGSERVE_QUERIES",
            help='File of questions, one per line, or JSONL with "text". The guide\'s if none.',
        ),
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(
            envvar="RAGSERVE_LOAD_KEYS", help="API key; with several, each user has one of them."
        ),
    ] = None,
    header: Annotated[
        list[str] | None, typer.Option(help="NAME: VALUE, sent with every request; repeatable.")
    ] = None,
    model: Annotated[
        str, typer.Option(help="What chats, texts to embed and texts to order name.")
    ] = "ragserve",
    endpoint: Annotated[
        list[Endpoint] | None, typer.Option(help="Ask this alone; repeatable. All if none.")
    ] = None,
    steps: Annotated[
        str | None,
        typer.Option(
            help="Users of each step, such as 4,8,16,32, in place of --users: finds the knee, "
            "behind which more users make answers slower rather than more. Each step takes "
            "--duration seconds."
        ),
    ] = None,
    slo_file: Annotated[Path, typer.Option("--slo", help="The objectives.")] = _SLO_FILE,
    output: Annotated[
        Path, typer.Option("--output", "--csv-dir", help="Folder for tables, report and result.")
    ] = _OUTPUT,
    html: Annotated[
        Path | None, typer.Option(help="File of locust's report; in the folder if none.")
    ] = None,
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="Allow a service that is not on this machine.")
    ] = False,
) -> None:
    """Put the running service under a realistic load and hold it to its objectives.

    Examples: python -m benchmarks.load_test --users 40 --duration 120

    python -m benchmarks.load_test --steps 4,8,16,32 --duration 20 --ramp 4 --endpoint query
    """
    stop_on_termination()
    if ramp_s >= duration_s:
        raise typer.BadParameter("the ramp must end before the run", param_hint="--ramp")
    try:
        url = check_address(url, allow_remote=allow_remote)
    except RemoteAddress as error:
        hint = f"{error} Allow it with --allow-remote."
        raise typer.BadParameter(hint, param_hint="--url") from error
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--url") from error
    users_of_steps = None if steps is None else _users_of(steps)
    slo = _read_inputs(slo_file, queries)
    console = make_console()
    plan = LoadPlan(
        url,
        users,
        ramp_s,
        duration_s,
        think_median_s,
        queries,
        keys=tuple(key or ()),
        headers=_headers(header or []),
        model=model,
        endpoints=tuple(one.value for one in endpoint or ()),
    )
    try:
        _require_ready(url)
        if users_of_steps is not None:
            _find_knee(console, plan, users_of_steps, output, html or output / "report.html")
            return
        _run(plan, output, html or output / "report.html")
    except RunFailed as error:
        Console(stderr=True).print(f"[bold red]Error:[/] {error}", markup=True, highlight=False)
        raise typer.Exit(2) from error
    if not _judge(console, plan, slo, output):
        raise typer.Exit(1)


def _headers(given: list[str]) -> tuple[str, ...]:
    try:
        return tuple(": ".join(parse_header(one)) for one in given)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--header") from error


def _users_of(steps: str) -> list[int]:
    try:
        users = [int(one) for one in steps.split(",")]
    except ValueError as error:
        raise typer.BadParameter(
            "numbers with commas between them", param_hint="--steps"
        ) from error
    if users != sorted(set(users)) or users[0] < 1 or len(users) < 2:
        raise typer.BadParameter("at least two numbers that rise", param_hint="--steps")
    return users


def _find_knee(
    console: Console, plan: LoadPlan, users: list[int], folder: Path, html: Path
) -> None:
    """Runs the steps one after the other, and prints where the knee is."""
    window_s = plan.duration_s - plan.ramp_s
    steps = []
    for count in users:
        _run(replace(plan, users=count), folder, html)
        requests = read_requests(request_log(folder))
        by_path = samples_by_path(requests, from_s=plan.ramp_s, to_s=plan.duration_s)
        found = summarise([one for some in by_path.values() for one in some], duration_s=window_s)
        rate, mean_ms, p95_ms = (
            float(found[name] or 0.0) for name in ("requests_per_s", "mean_ms", "p95_ms")
        )
        steps.append(Step(count, rate, mean_ms, p95_ms))
    knee = knee_of(steps)
    write_result(
        folder / "steps.json",
        result_of(
            configuration=plan.described() | {"users": users},
            results={"steps": [asdict(step) for step in steps], "knee": knee and asdict(knee)},
        ),
    )
    console.print(steps_table(steps, knee))
    console.print(
        f"The knee is behind {users[-1]} users: try more."
        if knee is None
        else f"The knee is at {knee.users} users, {knee.requests_per_s:.1f} answers a second, "
        f"p95 {knee.p95_ms:.0f} ms: more users wait longer, and get hardly more."
    )


def _read_inputs(slo_file: Path, queries: Path | None) -> Slo:
    try:
        if queries is not None:
            read_texts(queries)
        return read_slo(slo_file)
    except (OSError, ValueError) as error:
        raise typer.BadParameter(str(error)) from error


def _require_ready(url: str) -> None:
    try:
        status = httpx.get(f"{url}/health/ready", timeout=10.0, trust_env=False).status_code
    except httpx.HTTPError as error:
        raise RunFailed(f"no service answers at {url}; start one with: ragserve up") from error
    if status != 200:
        raise RunFailed(f"the service at {url} is not ready: HTTP {status}; see: ragserve status")


def _run(plan: LoadPlan, folder: Path, html: Path) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), refresh_per_second=2) as bar:
        task = bar.add_task(f"{plan.users} users", total=plan.duration_s)
        run_locust(
            plan,
            folder=folder,
            html=html,
            on_tick=lambda passed_s: bar.update(task, completed=min(passed_s, plan.duration_s)),
        )


def _judge(console: Console, plan: LoadPlan, slo: Slo, folder: Path) -> bool:
    """Returns whether every objective is met over the time after the ramp."""
    samples = samples_by_path(
        read_requests(request_log(folder)), from_s=plan.ramp_s, to_s=plan.duration_s
    )
    window_s = plan.duration_s - plan.ramp_s
    findings = judge(slo, samples, duration_s=window_s)
    figures = {path: summarise(found, duration_s=window_s) for path, found in samples.items()}
    met = all(finding.met for finding in findings)
    result = result_of(
        configuration=plan.described(),
        results={
            "endpoints": figures,
            "objectives": [{**asdict(one), "met": one.met} for one in findings],
            "met": met,
        },
    )
    write_result(folder / "result.json", result)
    console.print(requests_table(figures))
    console.print(findings_table(findings))
    console.print(f"Tables, report and result are in {folder}.")
    return met


if __name__ == "__main__":
    typer.run(main)
