"""`python -m benchmarks.tenants`: what it costs that many tenants share an index in memory.

The same chunks are searched as those of one tenant, and as those of many with an equal share each.
Both take turns, so that whatever else the machine does hits both alike.
"""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from app.cli.output import make_console
from benchmarks.load.output import progress, result_of, write_result
from benchmarks.tenants_study.index import memory_mb
from benchmarks.tenants_study.searching import Arm, figures, take_turns


def main(
    tenants: Annotated[int, typer.Option(min=2, help="Tenants that share the index.")] = 1000,
    chunks: Annotated[int, typer.Option(min=1, help="Chunks of each.")] = 100,
    searches: Annotated[int, typer.Option(min=1, help="Searches of one turn.")] = 100,
    rounds: Annotated[int, typer.Option(min=1, help="Turns of each way.")] = 5,
    output: Annotated[Path | None, typer.Option(help="File for the JSON result.")] = None,
) -> None:
    """Measure searches of one tenant among many, and of one that has all.

    Example: python -m benchmarks.tenants --tenants 1000 --chunks 100
    """
    console = make_console()
    total = tenants * chunks
    arms = [Arm("one tenant", 1, total), Arm(f"{tenants} tenants", tenants, chunks)]
    # In processes of their own: what one index leaves behind is not the other's.
    spawn = multiprocessing.get_context("spawn")
    memory = {}
    for arm in arms:
        with ProcessPoolExecutor(1, mp_context=spawn) as pool:
            memory[arm.name] = pool.submit(memory_mb, arm.tenants, arm.chunks).result()
    with progress(rounds * len(arms), "searches") as steps:
        measured = take_turns(arms, searches, rounds, done=lambda: steps.done("searches"))
    results = {name: figures(runs) | {"index_mb": memory[name]} for name, runs in measured.items()}
    table = Table(title=f"Searches in {total} chunks", title_justify="left")
    for name in ("index of", "mode", "p50 ms", "p95 ms", "foreign hits", "index MB"):
        table.add_column(name)
    for name, found in results.items():
        for mode, times in found["modes"].items():
            row = (times["p50_ms"], times["p95_ms"], found["foreign_hits"], found["index_mb"])
            table.add_row(name, mode, *(f"{value:g}" for value in row))
    console.print(table)
    if output is not None:
        configuration = {
            "tenants": tenants,
            "chunks": chunks,
            "searches": searches,
            "rounds": rounds,
        }
        write_result(output, result_of(configuration=configuration, results=results))
    if any(found["foreign_hits"] for found in results.values()):
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
