"""How the verbs for tenants, keys and the audit log ask the service, as operators."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import typer

if TYPE_CHECKING:
    from app.client.calls import Method
    from app.client.retries import Repeat

_PAGE = 1000


def ask(
    method: "Method",
    path: str,
    body: Mapping[str, Any] | None = None,
    *,
    home: Path,
    url: str,
    repeat: "Repeat" = "always",
) -> dict[str, Any]:
    """Returns the answer to one request; `repeat` is `unsent` for what must not come twice."""
    from app.cli.operator import operator_service

    with operator_service(url, home) as service:
        return service.request(method, path, body, repeat=repeat)


def entries(
    path: str, name: str, *, home: Path, url: str, after: str | int = "", **query: str
) -> Iterator[dict[str, Any]]:
    """Yields what all pages of a list have under a name, in their order.

    Args:
        path: Of the list.
        name: Of the field that has the entries of a page.
        home: Folder of the local stack.
        url: Address of the service.
        after: What the first page comes after.
        query: What is asked for beside that.
    """
    from app.cli.operator import operator_service

    place: str | int | None = after
    with operator_service(url, home) as service:
        while place is not None:
            asked = urlencode({"limit": _PAGE, "after": place, **query})
            page = service.request("GET", f"{path}?{asked}")
            yield from page[name]
            place = page["next"]


def print_json(found: object) -> None:
    """Prints what was found for programs."""
    typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
