"""`ragserve usage`: who used how much, and what it cost."""

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.options import DEFAULT_HOME, HomeOption, UrlOption
from app.client.address import DEFAULT_URL

if TYPE_CHECKING:
    from rich.table import Table

_FIGURES = (
    "requests",
    "failed",
    "prompt_tokens",
    "cached_tokens",
    "completion_tokens",
    "embedding_tokens",
    "rerank_tokens",
    "cost_usd",
)
_COST_DIGITS = 12
Row = Mapping[str, Any]


def usage(
    by: Annotated[
        str,
        typer.Option(
            help="What the rows are told apart by: of day, key, release, model and prices, with"
            " commas between.",
            metavar="NAMES",
        ),
    ] = "day,release",
    first: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="The first day, in UTC.",
            metavar="YYYY-MM-DD",
            show_default="30 days with the last one",
        ),
    ] = None,
    last: Annotated[
        str | None,
        typer.Option(
            "--to", help="The last day, in UTC.", metavar="YYYY-MM-DD", show_default="today"
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            help="Only this API key: the id that the access log and --by key show.", metavar="ID"
        ),
    ] = None,
    release: Annotated[str | None, typer.Option(help="Only this release.", metavar="NAME")] = None,
    model: Annotated[str | None, typer.Option(help="Only this model.", metavar="NAME")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, for a spreadsheet.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the service's answer as JSON.")
    ] = False,
    home: HomeOption = DEFAULT_HOME,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """Show requests, tokens and cost, exact to the request.

    Example: ragserve usage --by key,model --from 2026-11-01 --to 2026-11-30

    Cost is by the gateway's price table, with the prices of the moment at which a request ended.
    """
    from urllib.parse import urlencode

    from app.cli.operator import operator_service
    from app.cli.output import make_console

    asked = {"by": by, "from": first, "to": last, "key": key, "release": release, "model": model}
    wanted = {name: value for name, value in asked.items() if value is not None}
    with operator_service(url, home) as service:
        found = service.request("GET", f"/v1/usage?{urlencode(wanted)}")
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
    elif as_csv:
        _print_csv(found["by"], found["rows"])
    else:
        console = make_console()
        console.print(f"{found['from']} to {found['to']}, UTC\n")
        console.print(_table(found["by"], found["rows"], found["total"]))


def _table(by: Sequence[str], rows: Sequence[Row], total: Row) -> "Table":
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in by:
        table.add_column(name)
    for name in _FIGURES:
        table.add_column(name.replace("_", " "), justify="right")
    for row in rows:
        table.add_row(*(escape(row[name]) or "-" for name in by), *_figures(row))
    if by:
        groups = ["total", *[""] * (len(by) - 1)]
        table.add_row(*groups, *_figures(total), style="bold")
    return table


def _figures(row: Row) -> list[str]:
    counted = [f"{row[name]:,}" for name in _FIGURES[:-1]]
    return [*counted, f"{row['cost_usd']:,.6f}"]


def _print_csv(by: Sequence[str], rows: Sequence[Row]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([*by, *_FIGURES])
    for row in rows:
        counted = [row[name] for name in (*by, *_FIGURES[:-1])]
        writer.writerow([*counted, f"{row['cost_usd']:.{_COST_DIGITS}f}"])
