"""`ragserve audit`: who changed what."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

import typer

from app.cli.access.bounds import JsonOption
from app.cli.options import DEFAULT_HOME, HomeOption, UrlOption
from app.client.address import DEFAULT_URL

if TYPE_CHECKING:
    from app.client.api_client import ApiClient


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
    from app.cli.operator import operator_service

    with operator_service(url, home) as service:
        if verify:
            _verify(service, as_json)
        elif as_json:
            for entry in _entries(service, after):
                typer.echo(json.dumps(entry, ensure_ascii=False))
        else:
            _print(_entries(service, after))


def _entries(service: "ApiClient", after: int) -> Iterator[dict[str, Any]]:
    place: int | None = after
    while place is not None:
        query = urlencode({"after": place, "limit": 1000})
        page = service.request("GET", f"/v1/audit?{query}")
        yield from page["entries"]
        place = page["next"]


def _verify(service: "ApiClient", as_json: bool) -> None:
    from app.cli.output import make_console

    found = service.request("GET", "/v1/audit/verification")
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


def _print(entries: Iterator[dict[str, Any]]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from app.cli.output import make_console

    table = Table(
        "number", "at", "actor", "tenant", "action", "object", "changes", box=None, pad_edge=False
    )
    for entry in entries:
        changes = json.dumps(entry["changes"], ensure_ascii=False) if entry["changes"] else ""
        names = (entry["actor"], entry["tenant"], entry["action"], entry["object"], changes)
        table.add_row(str(entry["number"]), entry["at"][:19], *map(escape, names))
    make_console().print(table)
