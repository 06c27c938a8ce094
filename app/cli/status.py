"""`ragserve status`: what runs, and whether it takes requests."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.options import DEFAULT_HOME, HomeOption
from app.client.address import DEFAULT_URL

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from app.local.report import StackReport

_MIB = 1024 * 1024


def status(
    home: HomeOption = DEFAULT_HOME,
    url: Annotated[
        str | None,
        typer.Option(help="The API to ask, instead of the local stack's.", metavar="URL"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Show servers, applications and readiness. Exit code 0 if the API is ready, 1 if not.

    Example: ragserve status --json
    """
    from app.cli.output import make_console
    from app.local.home import Home
    from app.local.report import take_report

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
        console.print(_applications_table(report))
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


def _applications_table(report: "StackReport") -> "Table":
    from rich.markup import escape
    from rich.table import Table

    from app.local.deploying import shorten

    table = Table(
        "application", "deployment", "status", "replicas", "message", box=None, pad_edge=False
    )
    for application in report.applications:
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
