"""`ragserve reindex`: fills a new version of the index from the one that serves."""

from typing import Annotated, Any

import typer

from app.cli.options import DEFAULT_HOME, HomeOption, UrlOption
from app.client.address import DEFAULT_URL

_TIMEOUT_S = 660.0
_SHOWN_FAILURES = 20


def reindex(
    source: Annotated[
        str, typer.Option("--from", help="The retrieval application that has the documents.")
    ],
    target: Annotated[str, typer.Option("--to", help="The one that needs them.")],
    page: Annotated[
        int, typer.Option(help="Documents that are copied by one request.", min=1, max=200)
    ] = 16,
    home: HomeOption = DEFAULT_HOME,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """Copy all documents from one retrieval application to another, while both serve.

    Both must be named by a release of the deployed config: then documents that are ingested
    meanwhile go to both. It may be interrupted and run again; what was copied is found and left
    alone. Exit code 1 if a document could not be copied.

    Example: ragserve reindex --from retrieval-v1 --to retrieval-v2
    """
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    from app.cli.operator import operator_service
    from app.cli.output import make_console

    console = make_console()
    counts = dict.fromkeys(("added", "updated", "unchanged", "failed"), 0)
    failures: list[dict[str, Any]] = []
    cursor: str | None = None
    columns = (TextColumn("documents"), BarColumn(), MofNCompleteColumn(), Remaining())
    with (
        operator_service(url, home, timeout_s=_TIMEOUT_S) as service,
        Progress(*columns, console=console, disable=not console.is_terminal) as bar,
    ):
        task = bar.add_task("documents", total=None)
        while True:
            body = {"source": source, "target": target, "cursor": cursor, "limit": page}
            done = service.request("POST", "/admin/reindex", body)
            counts = {name: count + done[name] for name, count in counts.items()}
            failures += done["failures"]
            bar.update(task, completed=sum(counts.values()), total=done["total"])
            cursor = done["next_cursor"]
            if cursor is None:
                break
    for failure in failures[:_SHOWN_FAILURES]:
        console.print(f"[red]{escape(failure['path'])}[/]: {escape(failure['message'])}")
    console.print(
        f"{sum(counts.values())} documents: "
        + ", ".join(f"{count} {name}" for name, count in counts.items())
    )
    if failures:
        raise typer.Exit(1)
