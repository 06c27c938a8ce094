"""`ragserve keys`: who may use the service."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.access.bounds import (
    ConcurrentOption,
    DayUsdOption,
    JsonOption,
    MonthUsdOption,
    RequestsOption,
    TokensOption,
    bounds_body,
    bounds_text,
)
from app.cli.access.service import ask, entries, print_json
from app.cli.options import DEFAULT_HOME, HomeOption, UrlOption
from app.client.address import DEFAULT_URL

if TYPE_CHECKING:
    from rich.table import Table

    from app.client.retries import Repeat

keys = typer.Typer(
    name="keys", help="Make, list, rotate and revoke API keys.", no_args_is_help=True
)
_ONCE: "Repeat" = "unsent"
"""A second key that nobody knows of must not come of an answer that was lost."""
KeyArgument = Annotated[str, typer.Argument(help="Id of the key: key_...", metavar="KEY")]


@keys.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What it is for.")] = "",
    tenant: Annotated[
        str | None, typer.Option(help="Whose it is.", show_default="the maker's")
    ] = None,
    scopes: Annotated[
        list[str] | None,
        typer.Option(
            "--scope",
            help="What it opens: query, ingest, usage, admin or operator; say it again for more.",
            show_default="query",
        ),
    ] = None,
    groups: Annotated[
        list[str] | None,
        typer.Option("--group", help="A group whose documents it reads.", show_default="all"),
    ] = None,
    releases: Annotated[
        list[str] | None,
        typer.Option("--release", help="A release or model that it may ask.", show_default="all"),
    ] = None,
    requests_per_min: RequestsOption = None,
    tokens_per_min: TokensOption = None,
    concurrent: ConcurrentOption = None,
    day_usd: DayUsdOption = None,
    month_usd: MonthUsdOption = None,
    expires_at: Annotated[
        str | None, typer.Option("--expires-at", help="When it ends: 2027-01-31T00:00:00Z.")
    ] = None,
    as_json: JsonOption = False,
    home: HomeOption = DEFAULT_HOME,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """Make a key, and print it: this once.

    Example: ragserve keys create "search page" --tenant acme --scope query --requests-per-min 600
    """
    body: dict[str, Any] = {"name": name, "scopes": scopes or ["query"]}
    said = {"tenant": tenant, "groups": groups, "releases": releases, "expires_at": expires_at}
    body |= {field: value for field, value in said.items() if value}
    body |= bounds_body(
        requests_per_min=requests_per_min,
        tokens_per_min=tokens_per_min,
        concurrent=concurrent,
        day_usd=day_usd,
        month_usd=month_usd,
    )
    made = ask("POST", "/admin/keys", body, home=home, url=url, repeat=_ONCE)
    _print_new(made, as_json)


@keys.command("list")
def list_keys(
    tenant: Annotated[str | None, typer.Option(help="Only its keys.")] = None,
    as_json: JsonOption = False,
    home: HomeOption = DEFAULT_HOME,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """List keys, revoked ones included.

    Example: ragserve keys list --tenant acme
    """
    from app.cli.output import make_console

    only = {"tenant": tenant} if tenant else {}
    found = list(entries("/admin/keys", "keys", home=home, url=url, **only))
    if as_json:
        print_json(found)
    elif not found:
        make_console().print("There are no keys. Make one: ragserve keys create NAME")
    else:
        make_console().print(_table(found))


@keys.command("rotate")
def rotate(
    key: KeyArgument,
    keeps_h: Annotated[
        float,
        typer.Option("--keep", help="Hours for which the old secret still holds.", min=0, max=720),
    ] = 24.0,
    as_json: JsonOption = False,
    home: HomeOption = DEFAULT_HOME,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """Make a further secret for a key, and print it; the old one holds for a while.

    Example: ragserve keys rotate key_3fJk2LmNp0Qr --keep 2
    """
    body = {"keeps_s": keeps_h * 3600}
    made = ask("POST", f"/admin/keys/{key}/rotate", body, home=home, url=url, repeat=_ONCE)
    _print_new(made, as_json)


@keys.command("revoke")
def revoke(
    key: KeyArgument,
    as_json: JsonOption = False,
    home: HomeOption = DEFAULT_HOME,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """End a key: within two seconds it opens nothing any more.

    Example: ragserve keys revoke key_3fJk2LmNp0Qr
    """
    from app.cli.output import make_console

    found = ask("DELETE", f"/admin/keys/{key}", home=home, url=url, repeat=_ONCE)
    if as_json:
        print_json(found)
    else:
        make_console().print(f"{found['id']} is revoked.")


def _print_new(made: dict[str, Any], as_json: bool) -> None:
    from app.cli.output import make_console

    if as_json:
        print_json(made)
        return
    # The key itself goes to standard output, alone: `KEY=$(ragserve keys create ...)`.
    console = make_console(stderr=True)
    console.print(
        f"{made['id']} of {made['tenant']}, for {', '.join(made['scopes'])}. "
        "Keep this key: it cannot be shown again."
    )
    typer.echo(made["secret"])


def _table(found: list[dict[str, Any]]) -> "Table":
    from rich.markup import escape
    from rich.table import Table

    table = Table(
        *("key", "tenant", "name", "scopes", "limits", "state", "last used"),
        box=None,
        pad_edge=False,
    )
    for key in found:
        table.add_row(
            *(key["id"], escape(key["tenant"]), escape(key["name"]), ", ".join(key["scopes"])),
            *(bounds_text(key), _state(key), key["last_used_on"] or "never"),
        )
    return table


def _state(key: dict[str, Any]) -> str:
    from datetime import UTC, datetime

    if key["revoked_at"]:
        return "revoked"
    ends = key["expires_at"]
    if ends and datetime.fromisoformat(ends) <= datetime.now(UTC):
        return "expired"
    return f"until {ends[:10]}" if ends else "valid"
