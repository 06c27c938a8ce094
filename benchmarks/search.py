"""`python -m benchmarks.search`: the latency of searches in the documents that a service has.

Modes take turns, so that whatever else the machine does hits all alike. Where documents change
meanwhile, it is checked that every search sees what was acknowledged before it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from app.cli.options import UrlOption
from app.cli.output import make_console
from app.client.address import DEFAULT_URL
from benchmarks.addresses import check_address
from benchmarks.load.output import Steps, progress, result_of, write_result
from benchmarks.search_study.churn import Churn
from benchmarks.search_study.replicas import NoService, count_chunks, retriever_memory_mb
from benchmarks.search_study.searching import Load, Runs, figures, measure, search_body
from benchmarks.texts import guide_questions, read_texts


class Mode(StrEnum):
    """What chunks are found by."""

    HYBRID = "hybrid"
    DENSE = "dense"
    LEXICAL = "lexical"


def main(
    url: UrlOption = DEFAULT_URL,
    queries: Annotated[
        Path | None, typer.Option(help="File of questions; the guide's headings if none.")
    ] = None,
    modes: Annotated[
        list[Mode] | None,
        typer.Option("--mode", help="What chunks are found by; repeat it to compare. [hybrid]"),
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, help="Searches at any time.")] = 8,
    top_k: Annotated[int, typer.Option(min=1, max=1000, help="Chunks taken from the index.")] = 10,
    rounds: Annotated[int, typer.Option(min=1, help="Windows of each mode.")] = 3,
    duration_s: Annotated[
        float, typer.Option("--duration", min=0.5, help="Seconds of a window.")
    ] = 10.0,
    warmup_s: Annotated[
        float, typer.Option("--warmup", min=0.0, help="Seconds of load before it.")
    ] = 2.0,
    churn: Annotated[
        bool, typer.Option("--churn", help="Add, change and delete documents meanwhile.")
    ] = False,
    output: Annotated[Path | None, typer.Option(help="File for the JSON result.")] = None,
) -> None:
    """Measure /v1/search without reranking.

    Exits with 1 when a search or a write failed, or a search did not see what was written.

    Example: python -m benchmarks.search --mode hybrid --mode dense --churn --output search.json
    """
    console = make_console()
    asked = [mode.value for mode in dict.fromkeys(modes or [Mode.HYBRID])]
    try:
        address = check_address(url)
        questions = guide_questions() if queries is None else read_texts(queries)
    except (OSError, ValueError) as error:
        raise typer.BadParameter(str(error)) from error
    load = Load(concurrency, duration_s, warmup_s)
    writer = Churn(address, questions) if churn else None
    try:
        chunks = count_chunks(address)
        with progress(rounds * len(asked), f"search, {asked[0]}") as steps:
            measured = asyncio.run(
                _take_turns(address, questions, asked, load, rounds, top_k, writer, steps)
            )
    except NoService as error:
        make_console(stderr=True).print(f"Error: {error}", markup=False)
        raise typer.Exit(1) from error
    results: dict[str, Any] = {
        "chunks": chunks,
        "questions": len(questions),
        "retriever_memory_mb": retriever_memory_mb(),
        "modes": {mode: figures(runs, duration_s=duration_s) for mode, runs in measured.items()},
        "churn": None if writer is None else writer.result(),
    }
    console.print(_table(results))
    if output is not None:
        configuration = {
            "concurrency": concurrency,
            "top_k": top_k,
            "rounds": rounds,
            "duration_s": duration_s,
            "warmup_s": warmup_s,
            "queries": str(queries or "docs/"),
        }
        write_result(output, result_of(configuration=configuration, results=results))
    failed = any(found["failed"] + found["refused"] for found in results["modes"].values())
    if failed or (writer is not None and not writer.is_right):
        raise typer.Exit(1)


async def _take_turns(
    url: str,
    questions: Sequence[str],
    modes: Sequence[str],
    load: Load,
    rounds: int,
    top_k: int,
    writer: Churn | None,
    steps: Steps,
) -> dict[str, Runs]:
    measured = {mode: Runs() for mode in modes}
    turns = [mode for _ in range(rounds) for mode in modes]
    stop = asyncio.Event()
    writing = None if writer is None else asyncio.create_task(writer.run(stop))
    first = 0
    try:
        for place, mode in enumerate(turns):
            bodies = [
                search_body(question, mode=mode, top_k=top_k, top_n=min(top_k, 100))
                for question in questions
            ]
            runs = measured[mode]
            if writer is None:
                first += await measure(url, bodies, load, runs, first=first)
            else:
                first += await measure(
                    url, bodies, load, runs, first=first, on_answer=writer.on_answer
                )
            steps.done(f"search, {turns[place + 1]}" if place + 1 < len(turns) else "done")
    finally:
        stop.set()
        if writing is not None:
            await writing
    return measured


def _table(results: Mapping[str, Any]) -> Table:
    table = Table(title=f"Searches in {results['chunks']} chunks", title_justify="left")
    table.add_column("mode")
    columns = ("per second", "p50 ms", "p95 ms", "p99 ms", "not ok")
    stages = ("embedder", "retriever")
    for name in (*columns, *(f"{stage} p50 / p95 ms" for stage in stages)):
        table.add_column(name, justify="right")
    for mode, found in results["modes"].items():
        table.add_row(
            mode,
            f"{found['requests_per_s']:.1f}",
            *(_number(found[name]) for name in ("p50_ms", "p95_ms", "p99_ms")),
            str(found["refused"] + found["failed"]),
            *(_spread(found["stages"].get(stage, {}).get("replica_ms")) for stage in stages),
        )
    memory = ", ".join(f"{one:.0f}" for one in results["retriever_memory_mb"]) or "unknown"
    caption = f"Memory of the retriever's replicas in MB: {memory}."
    if results["churn"] is not None:
        said = (f"{name} {value}" for name, value in results["churn"].items() if value != [])
        caption += f"\nMeanwhile: {', '.join(said)}."
    table.caption = caption
    return table


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _spread(spread: Mapping[str, float] | None) -> str:
    return "-" if spread is None else f"{spread['p50']:.1f} / {spread['p95']:.1f}"


if __name__ == "__main__":
    typer.run(main)
