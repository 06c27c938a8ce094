"""`ragserve ingestions`: files that the service reads by itself, after the command has ended."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.access.bounds import JsonOption
from app.cli.options import UrlOption
from app.client.address import DEFAULT_URL

if TYPE_CHECKING:
    from rich.console import Console

    from app.client.api_client import ApiClient
    from app.schemas.ingestions import Ingestion, IngestionSource

ingestions = typer.Typer(
    name="ingestions",
    help="Have files read in the background, and see what became of each.",
    no_args_is_help=True,
)
IdArgument = Annotated[str, typer.Argument(help="Id of the ingestion.", metavar="ID")]
_TIMEOUT_S = 60.0
_POLL_S = 1.0


@ingestions.command("begin")
def begin(
    files: Annotated[
        list[Path],
        typer.Argument(help="Files, read by the service.", metavar="FILE...", dir_okay=False),
    ],
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Wait until all are read.")
    ] = False,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """Send files, and print the id of the ingestion; the service reads them when it has time.

    Whole folders go by `ragserve ingest`, which reads them here and sends what has changed.

    Example: ragserve ingestions begin handbook.pdf prices.xlsx --follow
    """
    from app.client.api_client import ApiClient
    from app.client.errors import CliError

    with ApiClient(url, timeout_s=_TIMEOUT_S) as service:
        try:
            with service.client() as client:
                begun = client.ingestions.begin_files(files)
        except OSError as error:
            raise CliError(f"{error.filename} cannot be read: {error.strerror}") from error
        if follow:
            _follow(service, begun.id, as_json)
        else:
            typer.echo(begun.model_dump_json() if as_json else begun.id)


@ingestions.command("list")
def list_all(as_json: JsonOption = False, url: UrlOption = DEFAULT_URL) -> None:
    """List your ingestions, newest first."""
    from app.client.api_client import ApiClient

    with ApiClient(url, timeout_s=_TIMEOUT_S) as service, service.client() as client:
        found = list(client.ingestions.list())
    for one in found:
        typer.echo(one.model_dump_json() if as_json else _line(one))
    if not found and not as_json:
        typer.echo("No ingestion is kept.")


@ingestions.command("show")
def show(
    ingestion_id: IdArgument,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Wait until it has ended.")
    ] = False,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """Show each document of an ingestion with its state and, where it failed, the reason.

    The exit code is 1 where a document failed.
    """
    from app.client.api_client import ApiClient

    with ApiClient(url, timeout_s=_TIMEOUT_S) as service:
        if follow:
            _follow(service, ingestion_id, as_json)
        else:
            with service.client() as client:
                _print(service, client.ingestions.retrieve(ingestion_id), as_json)


@ingestions.command("cancel")
def cancel(
    ingestion_id: IdArgument, as_json: JsonOption = False, url: UrlOption = DEFAULT_URL
) -> None:
    """Have no further document read; what was read stays."""
    from app.client.api_client import ApiClient

    with ApiClient(url, timeout_s=_TIMEOUT_S) as service, service.client() as client:
        cancelled = client.ingestions.cancel(ingestion_id)
    typer.echo(cancelled.model_dump_json() if as_json else _line(cancelled))


def _follow(service: "ApiClient", ingestion_id: str, as_json: bool) -> None:
    from app.cli.output import make_console

    console = make_console(stderr=True)
    try:
        ended = _wait(service, console, ingestion_id)
    except KeyboardInterrupt:
        console.print(f"It goes on: ragserve ingestions show {ingestion_id} --follow")
        raise typer.Exit(130) from None
    _print(service, ended, as_json)


def _wait(service: "ApiClient", console: "Console", ingestion_id: str) -> "Ingestion":
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (
        TextColumn("Reading"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[failed]} failed"),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None, failed=0)

        def progress(now: "Ingestion") -> None:
            counts = now.counts
            done = counts.read + counts.failed
            bar.update(task, total=counts.total, completed=done, failed=counts.failed)

        with service.client() as client:
            return client.ingestions.wait(ingestion_id, on_progress=progress, poll_s=_POLL_S)


def _print(service: "ApiClient", ingestion: "Ingestion", as_json: bool) -> None:
    with service.client() as client:
        for source in client.ingestions.sources(ingestion.id):
            typer.echo(source.model_dump_json() if as_json else _source_line(source))
    if not as_json:
        typer.echo(_line(ingestion))
    if ingestion.counts.failed:
        raise typer.Exit(1)


def _line(one: "Ingestion") -> str:
    counts = one.counts
    return (
        f"{one.id}  {one.status.replace('_', ' ')}  {counts.read} of {counts.total} read, "
        f"{counts.failed} failed"
    )


def _source_line(source: "IngestionSource") -> str:
    tail = source.message or (f"{source.chunk_count} chunks" if source.document_id else "")
    if source.warnings:
        tail = f"{tail}; {'; '.join(source.warnings)}"
    tries = f" after {source.tries} tries" if source.tries else ""
    return f"{source.status:<9}  {source.name}{tries}  {tail}".rstrip()
