"""`ragserve drift`: whether queries and answers have changed."""

import json
import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.options import DEFAULT_HOME, HomeOption, UrlOption
from app.client.address import DEFAULT_URL

if TYPE_CHECKING:
    from rich.table import Table

_TIMEOUT_S = 150.0
_UNIT_S = {"h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_COLOURS = {"drift": "bold red", "none": "green", "not_enough": "dim"}
_SAYS = {"drift": "drift", "none": "no drift", "not_enough": "not enough data"}
_NAMES = {
    "queries": "what is asked",
    "top_score": "score of the best passage",
    "answer_words": "words of an answer",
    "ungrounded": "answers without support",
}


def drift(
    reference: Annotated[
        str, typer.Option(help="Length of the window before, such as 7d or 12h.", metavar="TIME")
    ] = "7d",
    current: Annotated[str, typer.Option(help="Length of the latest window.", metavar="TIME")] = (
        "1d"
    ),
    release: Annotated[
        str | None,
        typer.Option(help="The release.", metavar="NAME", show_default="what has most traffic"),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the service's answer as JSON.")
    ] = False,
    home: HomeOption = DEFAULT_HOME,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """Compare the latest queries and answers with those before. Exit code 2 if there is drift.

    Example: ragserve drift --reference 7d --current 1d
    """
    from rich.markup import escape

    from app.cli.operator import operator_service
    from app.cli.output import make_console

    body: dict[str, Any] = {"reference_s": seconds(reference), "current_s": seconds(current)}
    if release is not None:
        body["release"] = release
    with operator_service(url, home, timeout_s=_TIMEOUT_S) as service:
        found = service.request("POST", "/admin/drift", body, repeat="unsent")
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        console = make_console()
        console.print(f"[bold]{escape(found['release'])}[/]: {_coloured(found['verdict'])}")
        for name in ("reference", "current"):
            window = found[name]
            console.print(
                f"{name}: {window['begins']} to {window['ends']}, {window['samples']} queries"
            )
        console.print()
        console.print(_table(found["checks"]))
        if found["run_id"]:
            console.print(f"\nMLflow run {found['run_id']}")
    if found["verdict"] == "drift":
        raise typer.Exit(2)


def seconds(text: str) -> float:
    """Returns a length of time in seconds.

    Raises:
        BadParameter: it is not of the form 12h, 7d or 2w.

    >>> seconds("7d")
    604800.0
    """
    match = re.fullmatch(r"(\d{1,4}(?:\.\d{1,3})?)([hdw])", text.strip())
    if match is None:
        raise typer.BadParameter(f"'{text}' is no length of time; give one such as 12h, 7d or 2w")
    return float(match[1]) * _UNIT_S[match[2]]


def _table(checks: list[dict[str, Any]]) -> "Table":
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for name in ("before", "now", "effect", "matters from", "chance"):
        table.add_column(name, justify="right")
    table.add_column("verdict")
    for check in checks:
        figures = ("reference", "current", "effect", "least_effect", "p_adjusted")
        table.add_row(
            _NAMES.get(check["name"], check["name"]),
            *(_number(check[name]) for name in figures),
            f"{_coloured(check['verdict'])}: {escape(check['reason'])}",
        )
    return table


def _coloured(verdict: str) -> str:
    return f"[{_COLOURS.get(verdict, 'default')}]{_SAYS.get(verdict, verdict)}[/]"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"
