"""`ragserve batch`: many requests of a file, answered when nobody else asks."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.options import UrlOption
from app.client.address import DEFAULT_URL

if TYPE_CHECKING:
    from rich.console import Console

    from app.client.api_client import ApiClient
    from app.schemas.batches import BatchObject

_TIMEOUT_S = 60.0
_POLL_S = 1.0
_JSONL = (".jsonl", ".ndjson")
_ENDS_WELL = ("completed", "cancelled")


def batch(
    file: Annotated[
        Path | None,
        typer.Argument(help="JSONL in OpenAI's form, or a question on each line.", metavar="FILE"),
    ] = None,
    url: UrlOption = DEFAULT_URL,
    endpoint: Annotated[
        str | None,
        typer.Option(
            help="What is asked; by default what the first line names, and /v1/query of text.",
            metavar="PATH",
        ),
    ] = None,
    window: Annotated[
        str, typer.Option(help="Time in which lines are answered.", metavar="24h")
    ] = "24h",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where results go, by default here.", metavar="OUT"),
    ] = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="Print the batch's id, and do not wait.")
    ] = False,
    resume: Annotated[
        str | None, typer.Option("--resume", help="Wait for this batch.", metavar="ID")
    ] = None,
    cancel: Annotated[
        str | None, typer.Option("--cancel", help="Cancel this batch.", metavar="ID")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the batch as JSON at the end, not in words.")
    ] = False,
) -> None:
    """Answer a file of requests in the background, a result or a problem for each line.

    Results come in the order of the lines, as JSON. What is under way stands back for everybody
    else's requests, and goes on when this command is stopped. The API key is that of
    RAGSERVE_API_KEY. The exit code is 1 where a line has a problem.

    Example: ragserve batch questions.txt --output answers.jsonl
    """
    from app.cli.output import make_console
    from app.client.api_client import ApiClient
    from app.client.errors import CliError

    if sum(given is not None for given in (file, resume, cancel)) != 1:
        raise CliError("Name one file, or one batch by --resume or --cancel.")
    console = make_console(stderr=True)
    with ApiClient(url, timeout_s=_TIMEOUT_S) as service:
        if cancel is not None:
            with service.client() as client:
                ended = client.batches.cancel(cancel)
            _say(console, ended, as_json=as_json)
            return
        batch_id = resume or _begin(service, file or Path(), endpoint, window)
        if detach:
            typer.echo(json.dumps({"id": batch_id}) if as_json else batch_id)
            return
        with _resumable(console, batch_id):
            ended = _wait(service, console, batch_id)
            _write(service, ended, output)
    _say(console, ended, as_json=as_json)
    if ended.status not in _ENDS_WELL or ended.request_counts.failed:
        raise typer.Exit(1)


def _begin(service: "ApiClient", file: Path, endpoint: str | None, window: str) -> str:
    """Sends a file, and returns the id of its batch.

    Raises:
        CliError: it cannot be read, or is no batch.
    """
    from app.client.errors import CliError

    try:
        content = file.read_bytes()
    except OSError as error:
        raise CliError(f"{file} cannot be read: {error.strerror or error}") from error
    with service.client() as client:
        begun = client.batches.create(
            content,
            text=file.suffix.lower() not in _JSONL,
            endpoint=endpoint,
            completion_window=window,
            name=file.name,
        )
    if begun.errors is not None:
        says = [f"line {error.line}: {error.message}" for error in begun.errors.data]
        raise CliError(f"{file} is no batch: nothing of it was begun", detail="\n".join(says[:20]))
    return begun.id


def _wait(service: "ApiClient", console: "Console", batch_id: str) -> "BatchObject":
    """Returns a batch when it has ended; shows how far it is until then."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[failed]} with a problem"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("Answering", total=None, failed=0)

        def show(now: "BatchObject") -> None:
            counts = now.request_counts
            bar.update(
                task,
                total=counts.total,
                completed=counts.completed + counts.failed,
                failed=counts.failed,
            )

        with service.client() as client:
            return client.batches.wait(batch_id, on_progress=show, poll_s=_POLL_S)


def _write(service: "ApiClient", ended: "BatchObject", output: Path | None) -> None:
    """Writes results, a line each: into a file that is there only when it is whole."""
    with service.client() as client:
        lines = (line.model_dump_json() for line in client.batches.results(ended))
        if output is None:
            for line in lines:
                sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
            return
        draft = output.with_name(f"{output.name}.part")
        with draft.open("w", encoding="utf-8") as opened:
            opened.writelines(f"{line}\n" for line in lines)
        draft.replace(output)


@contextmanager
def _resumable(console: "Console", batch_id: str) -> Iterator[None]:
    """Says how to go on where the command is stopped: the batch is not."""
    try:
        yield
    except KeyboardInterrupt:
        console.print("The batch goes on without this command.")
        console.print(f"  wait for it again:  ragserve batch --resume {batch_id}")
        console.print(f"  cancel it:          ragserve batch --cancel {batch_id}")
        raise typer.Exit(130) from None


def _say(console: "Console", batch: "BatchObject", *, as_json: bool) -> None:
    if as_json:
        typer.echo(batch.model_dump_json(), err=True)
        return
    counts = batch.request_counts
    console.print(
        f"{batch.id} is {batch.status}: {counts.completed} answered, {counts.failed} with a "
        f"problem, of {counts.total} lines."
    )
