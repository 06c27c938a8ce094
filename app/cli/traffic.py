"""`ragserve traffic`: who answers how much, and how to change it by hand."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.options import DEFAULT_HOME, HomeOption, UrlOption
from app.client.address import DEFAULT_URL

if TYPE_CHECKING:
    from rich.table import Table


def traffic(
    weights: Annotated[
        list[str] | None,
        typer.Argument(
            help="New weights; without any, they are shown.", metavar="[RELEASE=WEIGHT]"
        ),
    ] = None,
    reset: Annotated[
        bool, typer.Option("--reset", help="Go back to the weights that were deployed.")
    ] = False,
    home: HomeOption = DEFAULT_HOME,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """Show each release's share of the traffic, or set it by hand until other weights are deployed.

    Example: ragserve traffic minilm-v1=0.9 minilm-v2=0.1
    """
    from app.cli.operator import operator_name, operator_service
    from app.cli.output import make_console

    if weights and reset:
        raise typer.BadParameter("give weights, or --reset")
    with operator_service(url, home) as service:
        if weights:
            body = {"weights": parse_weights(weights), "by": operator_name()}
            service.request("PUT", "/admin/traffic", body, repeat="unsent")
        elif reset:
            service.request("DELETE", "/admin/traffic")
        found = service.request("GET", "/admin/releases")
    console = make_console()
    if weights or reset:
        console.print("Set. Every gateway replica follows within two seconds.")
        return
    console.print(_table(found["releases"]))
    if found["rollout"]:
        console.print(f"\nRollout {found['rollout']} moves weights: ragserve rollout watch")


def parse_weights(given: list[str]) -> dict[str, float]:
    """Returns weights by release.

    Raises:
        CliError: an argument is not of the form RELEASE=WEIGHT.

    >>> parse_weights(["a=0.9", "b=.1"])
    {'a': 0.9, 'b': 0.1}
    """
    from app.client.errors import CliError

    weights = {}
    for pair in given:
        name, _, weight = pair.rpartition("=")
        try:
            weights[name] = float(weight)
        except ValueError:
            name = ""
        if not name:
            raise CliError(
                f"'{pair}' is not of the form RELEASE=WEIGHT.", "For example: minilm-v2=0.1"
            )
    return weights


def _table(releases: list[dict[str, Any]]) -> "Table":
    from rich.markup import escape
    from rich.table import Table

    table = Table("release", "share", "role", "retrieval", "generator", box=None, pad_edge=False)
    for release in releases:
        table.add_row(
            escape(release["name"]),
            f"{release['weight']:.1%}",
            release["role"],
            escape(release["retrieval"]),
            escape(", ".join(release["generator"])),
        )
    return table
