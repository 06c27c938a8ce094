"""`ragserve tenants`: customers or teams whose documents nobody else sees."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.access.bounds import (
    ConcurrentOption,
    ConversationDaysOption,
    DayUsdOption,
    JsonOption,
    MonthUsdOption,
    RequestsOption,
    TokensOption,
    bounds_body,
    bounds_text,
    retention_body,
)
from app.cli.access.service import ask, entries, print_json
from app.cli.options import DEFAULT_HOME, HomeOption, UrlOption
from app.client.address import DEFAULT_URL

if TYPE_CHECKING:
    from rich.table import Table

tenants = typer.Typer(
    name="tenants", help="Make, list, change and end tenants.", no_args_is_help=True
)
TenantArgument = Annotated[str, typer.Argument(help="Id of the tenant.", metavar="TENANT")]
NameOption = Annotated[str | None, typer.Option("--name", help="How people call it.")]


@tenants.command("create")
def create(
    tenant: TenantArgument,
    name: NameOption = None,
    requests_per_min: RequestsOption = None,
    tokens_per_min: TokensOption = None,
    concurrent: ConcurrentOption = None,
    day_usd: DayUsdOption = None,
    month_usd: MonthUsdOption = None,
    conversation_days: ConversationDaysOption = None,
    as_json: JsonOption = False,
    home: HomeOption = DEFAULT_HOME,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """Make a tenant. Bounds hold for all of its keys together.

    Example: ragserve tenants create acme --name "Acme Inc." --usd-per-month 100
    """
    body: dict[str, Any] = {"id": tenant, "name": name or ""}
    body |= bounds_body(
        requests_per_min=requests_per_min,
        tokens_per_min=tokens_per_min,
        concurrent=concurrent,
        day_usd=day_usd,
        month_usd=month_usd,
    )
    body |= retention_body(conversation_days)
    _print(ask("POST", "/admin/tenants", body, home=home, url=url), as_json)


@tenants.command("change")
def change(
    tenant: TenantArgument,
    name: NameOption = None,
    requests_per_min: RequestsOption = None,
    tokens_per_min: TokensOption = None,
    concurrent: ConcurrentOption = None,
    day_usd: DayUsdOption = None,
    month_usd: MonthUsdOption = None,
    conversation_days: ConversationDaysOption = None,
    as_json: JsonOption = False,
    home: HomeOption = DEFAULT_HOME,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """Change name or bounds of a tenant; limits that are named take the place of all limits.

    Example: ragserve tenants change acme --requests-per-min 1200
    """
    body: dict[str, Any] = {} if name is None else {"name": name}
    body |= bounds_body(
        requests_per_min=requests_per_min,
        tokens_per_min=tokens_per_min,
        concurrent=concurrent,
        day_usd=day_usd,
        month_usd=month_usd,
    )
    body |= retention_body(conversation_days)
    _print(ask("PATCH", f"/admin/tenants/{tenant}", body, home=home, url=url), as_json)


@tenants.command("list")
def list_tenants(
    as_json: JsonOption = False,
    home: HomeOption = DEFAULT_HOME,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """List tenants.

    Example: ragserve tenants list --json
    """
    from app.cli.output import make_console

    found = list(entries("/admin/tenants", "tenants", home=home, url=url))
    if as_json:
        print_json(found)
    else:
        make_console().print(_table(found))


@tenants.command("delete")
def delete(
    tenant: TenantArgument,
    as_json: JsonOption = False,
    home: HomeOption = DEFAULT_HOME,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """End a tenant: none of its keys opens anything any more. Its id stays taken.

    Example: ragserve tenants delete acme
    """
    _print(ask("DELETE", f"/admin/tenants/{tenant}", home=home, url=url), as_json)


@tenants.command("erase")
def erase(
    tenant: TenantArgument,
    as_json: JsonOption = False,
    home: HomeOption = DEFAULT_HOME,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """Remove everything of a deleted tenant that holds its text, with a receipt; exit code 1 where
    something is left.

    Example: ragserve tenants erase acme --json > receipt.json
    """
    from app.cli.output import make_console

    receipt = ask("POST", f"/admin/tenants/{tenant}/erase", {}, home=home, url=url)
    if as_json:
        print_json(receipt)
    else:
        for place in receipt["places"]:
            counts = ", ".join(f"{count} {what}" for what, count in place["counts"].items())
            left = "" if place["is_done"] else f"; something is left: {place['reason']}"
            make_console().print(f"{place['place']}: {counts or 'nothing'} removed{left}")
    if not receipt["is_done"]:
        raise typer.Exit(1)


def _print(tenant: dict[str, Any], as_json: bool) -> None:
    from app.cli.output import make_console

    if as_json:
        print_json(tenant)
    else:
        make_console().print(_table([tenant]))


def _table(found: list[dict[str, Any]]) -> "Table":
    from rich.markup import escape
    from rich.table import Table

    table = Table("tenant", "name", "limits", "since", "state", box=None, pad_edge=False)
    for tenant in found:
        state = "deleted" if tenant["deleted_at"] else "valid"
        table.add_row(
            *(escape(tenant["id"]), escape(tenant["name"]), bounds_text(tenant)),
            *(tenant["created_at"][:10], state),
        )
    return table
