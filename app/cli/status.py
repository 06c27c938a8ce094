"""`ragserve status`: what runs, and whether it takes requests."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.options import DEFAULT_HOME, AddressOption, HomeOption, TokenFileOption
from app.client.address import DEFAULT_URL

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console
    from rich.table import Table

    from app.cluster.serve_api import ApplicationStatus
    from app.local.report import StackReport

_MIB = 1024 * 1024


def status(
    home: HomeOption = DEFAULT_HOME,
    url: Annotated[
        str | None,
        typer.Option(help="The API to ask, instead of the local stack's.", metavar="URL"),
    ] = None,
    address: AddressOption = None,
    token_file: TokenFileOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Show servers, applications and readiness. Exit code 0 if the API is ready, 1 if not.

    With --address it shows the nodes and applications of that cluster, and the exit code says
    whether all run.

    Example: ragserve status --json
    """
    from app.cli.output import make_console
    from app.local.home import Home
    from app.local.report import take_report

    if address is not None:
        _status_of(address, token_file, as_json=as_json)
        return
    report = take_report(Home(home), api_url=url, default_url=DEFAULT_URL)
    console = make_console()
    if as_json:
        typer.echo(json.dumps({"ready": report.ready, **asdict(report)}, indent=2))
    elif not report.running and url is None and not report.children:
        answers = f", although something answers at {report.api_url}" if report.ready_status else ""
        console.print(f"Nothing runs of {home}{answers}. Start it: ragserve up")
    else:
        _print_report(console, report)
    if not report.ready:
        raise typer.Exit(1)


def _print_report(console: "Console", report: "StackReport") -> None:
    if report.children:
        console.print(_children_table(report))
    if report.applications:
        console.print(_applications_table(report.applications))
    if report.serve_error:
        console.print(f"[red]{report.serve_error}[/]")
    _print_readiness(console, report)


def _children_table(report: "StackReport") -> "Table":
    from rich.markup import escape
    from rich.table import Table

    table = Table("server", "state", "pid", "uptime", "memory", "log", box=None, pad_edge=False)
    for child in report.children:
        state = "[green]running[/]" if child.alive else "[bold red]dead[/]"
        uptime = duration(child.uptime_s) if child.alive else ""
        memory = f"{child.memory_bytes / _MIB:.0f} MiB" if child.alive else ""
        table.add_row(child.name, state, str(child.pid), uptime, memory, escape(child.log_file))
    return table


def _status_of(address: str, token_file: "Path | None", *, as_json: bool) -> None:
    from rich.table import Table

    from app.cli.output import make_console
    from app.cluster.remote import RemoteCluster

    nodes, applications = RemoteCluster(address, token_file).look()
    running = bool(applications) and all(one.status == "RUNNING" for one in applications)
    if as_json:
        parts = {
            "nodes": [asdict(node) for node in nodes],
            "applications": [asdict(one) for one in applications],
        }
        typer.echo(json.dumps({"running": running, **parts}, indent=2))
    else:
        table = Table("node", "", "CPUs", "GPUs", "memory", box=None, pad_edge=False)
        for node in nodes:
            cpus, gpus = (f"{node.resources.get(name, 0):g}" for name in ("CPU", "GPU"))
            memory = f"{node.resources.get('memory', 0) / 2**30:.1f} GiB"
            table.add_row(node.address, "head" if node.is_head else "", cpus, gpus, memory)
        console = make_console()
        console.print(table)
        console.print(_applications_table(applications) if applications else "Nothing is deployed.")
    if not running:
        raise typer.Exit(1)


def _applications_table(applications: "tuple[ApplicationStatus, ...]") -> "Table":
    from rich.markup import escape
    from rich.table import Table

    from app.cluster.roll_out import shorten

    table = Table(
        "application", "deployment", "status", "replicas", "message", box=None, pad_edge=False
    )
    for application in applications:
        message = escape(shorten(application.message, max_lines=1))
        table.add_row(
            application.name, "", _coloured(application.status), application.replicas, message
        )
        for deployment in application.deployments:
            replicas = f"{deployment.running_replicas}/{deployment.target_replicas}"
            message = escape(shorten(deployment.message, max_lines=1))
            table.add_row("", deployment.name, _coloured(deployment.status), replicas, message)
    return table


def _print_readiness(console: "Console", report: "StackReport") -> None:
    from rich.markup import escape

    if report.ready_status is None:
        console.print(f"\n[bold red]not ready[/]  {report.api_url} does not answer")
        return
    dead = [child.name for child in report.children if not child.alive]
    word = "[bold green]ready[/]" if report.ready else "[bold red]not ready[/]"
    answer = f"{report.api_url} answers HTTP {report.ready_status}"
    console.print(f"\n{word}  {answer}{', but dead: ' if dead else ''}{', '.join(dead)}")
    for line in ready_lines(report.ready_body):
        console.print(escape(f"  {line}"))
    if isinstance(report.ready_body, dict) and report.ready_body.get("settings_error"):
        console.print(f"\n[bold red]{escape(report.ready_body['settings_error'])}[/]")


def ready_lines(body: Any) -> list[str]:
    """Returns one line per release (or stage) of a ready answer, and any other answer in one line.

    >>> ready_lines({"releases": {"a": {"embedder": "ok", "generator": "ok"}}})
    ['a: embedder ok, generator ok']
    """
    if isinstance(body, dict):
        for parts in (body.get("releases"), body.get("stages")):
            if isinstance(parts, dict):
                return [f"{name}: {_inline(value)}" for name, value in parts.items()]
            if isinstance(parts, list):
                return [_inline(part) for part in parts]
    return [_inline(body)] if body else []


def duration(seconds: float) -> str:
    """Returns a time span in two units, such as "2 h 05 min".

    >>> duration(125)
    '2 min 05 s'
    """
    total_s = int(seconds)
    minutes, hours, days = total_s // 60, total_s // 3600, total_s // 86400
    if days:
        return f"{days} d {hours % 24:02} h"
    if hours:
        return f"{hours} h {minutes % 60:02} min"
    return f"{minutes} min {total_s % 60:02} s" if minutes else f"{total_s} s"


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {inner}" for name, inner in value.items())
    return str(value)[:300]


def _coloured(word: str) -> str:
    if word in ("RUNNING", "HEALTHY"):
        return f"[green]{word}[/]"
    if word in ("DEPLOY_FAILED", "UNHEALTHY"):
        return f"[bold red]{word}[/]"
    return f"[yellow]{word}[/]"
