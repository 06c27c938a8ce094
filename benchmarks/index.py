"""`python -m benchmarks.index`: what an index in files takes and gives, with made-up documents.

Two replicas open the same files, one after the other, each in a process of its own; with
`--memory` a third one has everything in its memory. There is no store, no network and no model.
"""

import multiprocessing
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from app.cli.output import make_console
from benchmarks.index_study.replica import Load, measure, write_files
from benchmarks.load.output import progress, result_of, write_result


def main(
    chunks: Annotated[int, typer.Option(min=10, help="Chunks of 120 words.")] = 1_000_000,
    folder: Annotated[
        Path | None,
        typer.Option(help="Where the files are, or are made and stay; else a temporary folder."),
    ] = None,
    searches: Annotated[
        int, typer.Option(min=20, help="Searches by each number of clients.")
    ] = 400,
    memory: Annotated[
        bool, typer.Option("--memory", help="Measure an index in memory, too.")
    ] = False,
    output: Annotated[Path | None, typer.Option(help="File for the JSON result.")] = None,
) -> None:
    """Measure an index in files: filling it, starting on it, its memory, recall and latency.

    Example: python -m benchmarks.index --chunks 100000 --memory
    """
    load = Load(searches, (1, 8))
    held = tempfile.TemporaryDirectory() if folder is None else nullcontext(str(folder))
    with held as place, progress(4 if memory else 3, "filling") as steps:
        root = Path(place) / "index"
        results: dict[str, Any] = {"filling": _alone(write_files, chunks, root)}
        for name in ("first replica", "second replica"):
            steps.done(name)
            results[name] = _alone(measure, chunks, root, load)
        if memory:
            steps.done("memory")
            results["in memory"] = _alone(measure, chunks, None, load)
        steps.done("done")
    console = make_console()
    console.print(_table(results))
    if output is not None:
        configuration = {"chunks": chunks, "searches": searches}
        write_result(output, result_of(configuration=configuration, results=results))


def _alone(work: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    """Returns what work returns in a process of its own, which takes nothing of another's over."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        return pool.submit(work, *arguments).result()


def _table(results: dict[str, Any]) -> Table:
    filling = results["filling"]
    title = f"Files of {filling['files_mb']:g} MB, filled in {filling['fill_s']:g} s"
    table = Table(title=title, title_justify="left")
    for name in (
        "replica",
        "ready s",
        "private MB",
        "recall@10",
        "1 client p50 / p95 ms",
        "8",
        "CPU ms",
    ):
        table.add_column(name)
    for name, found in results.items():
        if name != "filling":
            one, eight = (found["hybrid_ms"][clients] for clients in ("1", "8"))
            table.add_row(
                name,
                f"{found['ready_s']:g}",
                f"{found['private_mb']:g}",
                f"{found['recall_at_10']:g}",
                f"{one['p50']:g} / {one['p95']:g}",
                f"{eight['p50']:g} / {eight['p95']:g}",
                f"{one['cpu_each']:g}",
            )
    return table


if __name__ == "__main__":
    typer.run(main)
