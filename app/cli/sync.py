"""`ragserve sync`: folders, Git repositories and object stores, kept the same in the index."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.ingest import parse_metadata
from app.cli.options import DEFAULT_HOME, AclOption, HomeOption, MetadataOption, UrlOption
from app.client.address import DEFAULT_URL

if TYPE_CHECKING:
    from rich.console import Console

    from app.client.sources.source import Source
    from app.client.sync import Mirrored, Wishes

_TIMEOUT_S = 600.0


def sync(
    places: Annotated[
        list[str],
        typer.Argument(
            help="Folders, git+URL[@BRANCH][#FOLDER], s3://BUCKET/PREFIX, gs://..., az://...",
            metavar="PLACE...",
        ),
    ],
    url: UrlOption = DEFAULT_URL,
    every: Annotated[
        float | None,
        typer.Option(
            "--every",
            min=1.0,
            help="Look again after so many seconds, until it is stopped. Without it, look once.",
            metavar="SECONDS",
        ),
    ] = None,
    root: Annotated[
        Path | None,
        typer.Option(
            "--root",
            help="Store paths of folders relative to this one, so that other machines give the "
            "same ids.",
            metavar="DIR",
        ),
    ] = None,
    metadata: MetadataOption = None,
    acl: AclOption = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            "--exclude",
            "-x",
            help="Leave out what fits, as in a .gitignore; a file .ragserveignore in a place says "
            "the same.",
            metavar="PATTERN",
        ),
    ] = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Keep the index as places are: what is new or changed is read, what is gone is deleted.

    A place that does not answer, or has no file at all, changes nothing. Files of repositories and
    object stores are kept below HOME/sync, so that only what has changed is fetched. Access to an
    object store is what its own tools read from the environment, such as AWS_ACCESS_KEY_ID. The
    exit code is 1 where a place or a file could not be read; with --every it is tried again.

    Example: ragserve sync docs/ git+https://example.org/handbook.git#guides --every 60
    """
    from app.cli.output import make_console
    from app.client.sources.parse import source_of
    from app.client.sync import Wishes

    console = make_console()
    wishes = Wishes(parse_metadata(metadata or []), acl or None, exclude or ())
    sources = [source_of(place, root=root, into=home / "sync") for place in places]
    pending = set(range(len(sources)))
    """Places whose last round failed: they are read again although nothing has changed there."""
    while True:
        for number, source in enumerate(sources):
            if _look(console, source, wishes, url, is_pending=number in pending):
                pending.discard(number)
            else:
                pending.add(number)
        if every is None:
            raise typer.Exit(1 if pending else 0)
        try:
            time.sleep(every)
        except KeyboardInterrupt:
            raise typer.Exit(130) from None


def _look(
    console: "Console", source: "Source", wishes: "Wishes", url: str, *, is_pending: bool
) -> bool:
    """Looks at a place once, and returns whether all of it could be read."""
    from rich.markup import escape

    from app.client.api_client import ApiClient
    from app.client.errors import CliError
    from app.client.sync import mirror_folder

    started_s = time.monotonic()
    try:
        changed = source.refresh()
        if not changed and not is_pending:
            return True
        with ApiClient(url, timeout_s=_TIMEOUT_S) as service:
            done = mirror_folder(service, source.folder, root=source.root, wishes=wishes)
    except CliError as error:
        console.print(f"[red]{escape(source.name)}[/red]: {escape(error.message)}")
        return False
    _print(console, source, done, time.monotonic() - started_s)
    return not done.report.failures


def _print(console: "Console", source: "Source", done: "Mirrored", took_s: float) -> None:
    from rich.markup import escape

    report = done.report
    console.print(
        f"{escape(source.name)}: {report.added} added, {report.updated} updated, "
        f"{len(done.deleted)} deleted, {report.unchanged} unchanged, "
        f"{len(report.failures)} failed in {took_s:.1f} s"
    )
    for path, reason in report.failures:
        console.print(f"  [red]{escape(path)}[/red]: {escape(reason)}")
