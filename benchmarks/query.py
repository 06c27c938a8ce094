"""`python -m benchmarks.query`: searches and answers per second of the running service, beside RAG
in one plain FastAPI process.

Both have the same chunks and get the same questions, in turns. Before anything is measured their
answers are compared.
"""

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from app.cli.options import UrlOption
from app.cli.output import make_console
from app.client.address import DEFAULT_URL
from benchmarks.addresses import check_address
from benchmarks.comparison.answers import compare_answers
from benchmarks.comparison.asking import QUERY, SEARCH, NotComparable, query_body, search_body
from benchmarks.comparison.contenders import HttpContender, Workload
from benchmarks.comparison.overload import (
    FACTORS,
    draw_overload,
    draw_refusals,
    label,
    measure_overload,
    overload_table,
)
from benchmarks.comparison.report import comparison_table, draw_rates
from benchmarks.comparison.rounds import Window, plan_turns, tabulate, take_turns
from benchmarks.comparison.stages import measure_stages
from benchmarks.comparison.starting import start_naive
from benchmarks.load.output import figure, progress, result_of, write_result
from benchmarks.peers.chunks import ChunkSource, NoChunks, open_source
from benchmarks.peers.process import ServerFailed, stop_on_termination
from benchmarks.texts import guide_questions, read_texts

_SERVICE = "service"
_SEED = 7


def main(
    url: UrlOption = DEFAULT_URL,
    queries: Annotated[
        Path | None, typer.Option(help="File of questions; the guide's headings if none.")
    ] = None,
    corpus: Annotated[
        Path | None, typer.Option(help="Documents to ingest first, such as a JSONL file.")
    ] = None,
    chroma_url: Annotated[
        str, typer.Option(help="The service's Chroma server: the peer copies the chunks.")
    ] = "http://127.0.0.1:8100",
    collection: Annotated[str, typer.Option(help="The service's collection there.")] = "minilm",
    concurrency: Annotated[int, typer.Option(min=2, help="What `many at a time` means.")] = 32,
    compared: Annotated[
        int, typer.Option(min=1, help="Questions whose answers are compared one by one.")
    ] = 50,
    rounds: Annotated[int, typer.Option(min=1, help="Turns of each contender.")] = 3,
    duration_s: Annotated[
        float, typer.Option("--duration", min=1.0, help="Seconds of one measurement.")
    ] = 10.0,
    warmup_s: Annotated[
        float, typer.Option("--warmup", min=0.0, help="Seconds of load before it.")
    ] = 3.0,
    overload: Annotated[
        bool, typer.Option("--overload", help="Also measure loads up to 3 times the capacity.")
    ] = False,
    overload_duration_s: Annotated[
        float, typer.Option("--overload-duration", min=1.0, help="Seconds of each load.")
    ] = 20.0,
    slo_ms: Annotated[
        float, typer.Option(min=1.0, help="Longest latency of a good answer under overload.")
    ] = 1000.0,
    output: Annotated[Path | None, typer.Option(help="File for the JSON result.")] = None,
    plot: Annotated[Path | None, typer.Option(help="File for the picture (PNG).")] = None,
) -> None:
    """Measure /v1/search and /v1/query, many requests at a time and one at a time.

    Example: python -m benchmarks.query --overload --output query.json --plot query.png
    """
    stop_on_termination()
    console = make_console()
    try:
        service = HttpContender(_SERVICE, check_address(url))
        source = ChunkSource(check_address(chroma_url), collection)
        questions = guide_questions() if queries is None else read_texts(queries)
    except (OSError, ValueError) as error:
        raise typer.BadParameter(str(error)) from error
    workloads = _workloads(questions, concurrency)
    window = Window(warmup_s, duration_s)
    try:
        if corpus is not None:
            _ingest(corpus, url)
        results: dict[str, Any] = {
            "chunks": open_source(source).count(),
            "questions": len(questions),
            **_compare(service, source, workloads, questions[:compared], rounds, window),
        }
        results["stages"] = asyncio.run(_take_apart(service, workloads, compared))
        if overload:
            results["overload"] = _overload(
                service, workloads[0], results["workloads"], overload_duration_s, slo_ms
            )
    except (NoChunks, ServerFailed, NotComparable) as error:
        make_console(stderr=True).print(f"Error: {error}", markup=False)
        raise typer.Exit(1) from error
    configuration = {
        "rounds": rounds,
        "duration_s": duration_s,
        "warmup_s": warmup_s,
        "queries": str(queries or "docs/"),
        "corpus": str(corpus or "the documents in the service"),
    }
    result = result_of(configuration=configuration, results=results)
    _print(console, results)
    if output is not None:
        write_result(output, result)
    if plot is not None:
        _draw(plot, results)


def _workloads(questions: Sequence[str], many: int) -> list[Workload]:
    queries = [query_body(question) for question in questions]
    searches = [search_body(question) for question in questions]
    return [
        Workload(f"query, {many} at a time", QUERY, queries, many),
        Workload("query, one at a time", QUERY, queries, 1),
        Workload(f"search, {many} at a time", SEARCH, searches, many),
        Workload("search, one at a time", SEARCH, searches, 1),
    ]


def _ingest(corpus: Path, url: str) -> None:
    ragserve = Path(sys.executable).with_name("ragserve")
    done = subprocess.run([str(ragserve), "ingest", str(corpus), "--url", url], check=False)
    if done.returncode:
        raise NotComparable(f"{corpus} was not ingested.")


def _compare(
    service: HttpContender,
    source: ChunkSource,
    workloads: Sequence[Workload],
    questions: Sequence[str],
    rounds: int,
    window: Window,
) -> dict[str, Any]:
    """Returns whether service and peer are equal, and their figures by workload."""
    with tempfile.TemporaryDirectory() as logs, ExitStack() as stack:
        peer = start_naive(stack, Path(logs), source)
        equality = asyncio.run(compare_answers(service, peer, questions))
        turns = plan_turns([service, peer], workloads, rounds=rounds)
        with progress(len(turns), turns[0].label) as steps:
            measured = asyncio.run(take_turns(turns, window=window, on_done=steps.done))
    figures = {name: tabulate(found, service=_SERVICE) for name, found in measured.items()}
    return {"equality": equality, "workloads": figures}


async def _take_apart(
    service: HttpContender, workloads: Sequence[Workload], count: int
) -> dict[str, Any]:
    return {
        workload.name: await measure_stages(service, workload.path, workload.bodies[:count])
        for workload in workloads
        if workload.concurrency == 1
    }


def _overload(
    service: HttpContender,
    workload: Workload,
    figures: Mapping[str, Any],
    duration_s: float,
    slo_ms: float,
) -> dict[str, Any]:
    capacity_per_s = figures[workload.name]["contenders"][_SERVICE]["requests_per_s"]
    if not capacity_per_s:
        raise NotComparable("the service answered nothing: there is no capacity to multiply.")
    with progress(len(FACTORS), label(FACTORS[0])) as steps:
        loads = asyncio.run(
            measure_overload(
                service,
                workload.path,
                workload.bodies,
                capacity_per_s=capacity_per_s,
                duration_s=duration_s,
                slo_ms=slo_ms,
                seed=_SEED,
                on_done=steps.done,
            )
        )
    return {"capacity_per_s": capacity_per_s, "duration_s": duration_s, "loads": loads}


def _print(console: Console, results: Mapping[str, Any]) -> None:
    for name, found in results["workloads"].items():
        console.print(comparison_table(name, found))
    console.print("Equal answers:", results["equality"])
    console.print("Where the time goes, medians in ms:", results["stages"])
    if "overload" in results:
        console.print(overload_table(results["overload"]["loads"]))


def _draw(path: Path, results: Mapping[str, Any]) -> None:
    with figure(path, rows=2, columns=2 + ("overload" in results)) as panels:
        # Column by column: the last one, if there are three, is the overload's.
        columns = len(panels) // 2
        places = [panels[0], panels[columns], panels[1], panels[columns + 1]]
        for panel, (name, found) in zip(places, results["workloads"].items(), strict=True):
            draw_rates(panel, name, found)
        if "overload" in results:
            loads = results["overload"]["loads"]
            draw_overload(panels[2], loads)
            draw_refusals(panels[columns + 2], loads)


if __name__ == "__main__":
    typer.run(main)
