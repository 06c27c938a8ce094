"""`ragserve audit`: who changed what."""

import json
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from app.cli.access.bounds import JsonOption
from app.cli.access.service import ask, entries
from app.cli.options import DEFAULT_HOME, HomeOption, UrlOption
from app.client.address import DEFAULT_URL


def audit(
    after: Annotated[int, typer.Option(help="Only entries above this number.", min=0)] = 0,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check that the log is as it was written.")
    ] = False,
    as_json: JsonOption = False,
    home: HomeOption = DEFAULT_HOME,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """Show what was changed and by whom, or check that the log is whole; exit code 1 if it is not.

    Example: ragserve audit --json > audit.jsonl
    """
    if verify:
        _verify(ask("GET", "/v1/audit/verification", home=home, url=url), as_json)
        return
    found = entries("/v1/audit", "entries", home=home, url=url, after=after)
    if as_json:
        for entry in found:
            typer.echo(json.dumps(entry, ensure_ascii=False))
    else:
        _print(found)


def _verify(found: dict[str, Any], as_json: bool) -> None:
    from app.cli.output import make_console

    if as_json:
        typer.echo(json.dumps(found))
    elif found["intact"]:
        make_console().print(f"The log is whole: {found['entries']:,} entries.")
    else:
        make_console().print(
            f"[bold red]The log is broken[/] at entry {found['broken_at']}: {found['reason']}."
        )
    if not found["intact"]:
        raise typer.Exit(1)


def _print(found: Iterator[dict[str, Any]]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from app.cli.output import make_console

    table = Table(
        "number", "at", "actor", "tenant", "action", "object", "changes", box=None, pad_edge=False
    )
    for entry in found:
        changes = json.dumps(entry["changes"], ensure_ascii=False) if entry["changes"] else ""
        names = (entry["actor"], entry["tenant"], entry["action"], entry["object"], changes)
        table.add_row(str(entry["number"]), entry["at"][:19], *map(escape, names))
    make_console().print(table)
