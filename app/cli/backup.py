"""`ragserve backup` and `ragserve restore`: what a service keeps, in one file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.options import DEFAULT_HOME, HomeOption

if TYPE_CHECKING:
    from app.backup.documents import OnDocuments
    from app.backup.places import Places

FileArgument = Annotated[Path, typer.Argument(help="The backup.", metavar="FILE")]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        help="Serve config that names the stores; RAGSERVE_DATABASE_URL names the database.",
        show_default="that of the local stack",
        metavar="FILE",
    ),
]


def backup(
    file: FileArgument,
    config: ConfigOption = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Copy documents, calibrations and control state into one file, while the service answers.

    Keys, usage, budgets and rollouts are in it, the secrets of the service are not: keep those of
    `ragserve env` apart, or the key_pepper of the local stack. Without them no key is known again.

    Example: ragserve backup ragserve-2026-11-30.zip
    """
    from app.backup.copying import take
    from app.cli.output import make_console

    places = _places(config, home)
    with _progress("copied") as on_documents:
        held = take(places, file, on_documents=on_documents)
    console = make_console()
    console.print(f"[bold green]Written[/] {file}: {_said(held)}.")
    for name, collection in held["collections"].items():
        for document in collection["damaged"]:
            console.print(f"damaged in the store of {name}: {document}; index it again")


def restore(
    file: FileArgument,
    config: ConfigOption = None,
    home: HomeOption = DEFAULT_HOME,
    replace: Annotated[
        bool, typer.Option("--replace", help="In the place of what is there, which goes.")
    ] = False,
) -> None:
    """Put what `ragserve backup` wrote into a service: its stores run, its applications may.

    Example: ragserve restore ragserve-2026-11-30.zip
    """
    from app.backup.copying import put_back
    from app.cli.output import make_console

    places = _places(config, home)
    with _progress("put back") as on_documents:
        held = put_back(places, file, replace=replace, on_documents=on_documents)
    console = make_console()
    console.print(f"[bold green]Restored[/] {_said(held)}, as of {held['taken_at']}.")
    console.print("Applications that run know former keys until they are started again.")


def _places(config: Path | None, home: Path) -> "Places":
    from app.cli.serve_extra import require_serve_extra

    require_serve_extra("backup")
    from app.backup.places import places_of
    from app.local.home import Home

    local = Home(home)
    if config is not None:
        return places_of(config)
    return places_of(local.deployed_config, database=local.control_database)


def _said(held: dict[str, Any]) -> str:
    documents = sum(one["documents"] for one in held["collections"].values())
    rows = sum(held["records"]["tables"].values())
    return f"{documents} documents, {rows} records"


@contextmanager
def _progress(done: str) -> "Iterator[OnDocuments]":
    from rich.progress import Progress, SpinnerColumn, TextColumn

    columns = (SpinnerColumn(), TextColumn("{task.completed:.0f} documents"), TextColumn(done))
    with Progress(*columns, transient=True) as bar:
        task = bar.add_task(done, total=None)
        yield lambda count: bar.advance(task, count)
