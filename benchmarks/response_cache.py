"""`python -m benchmarks.response_cache`: what the response cache gains, what a miss costs, whether
equal requests at once are worked on once, and whether an answer is ever old.

Needs a running service whose release has `cache: {answer: true}`, and writes one document into it,
which it deletes at the end.
"""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.table import Table

from app.cli.options import UrlOption
from app.cli.output import make_console
from app.client.address import DEFAULT_URL
from benchmarks.addresses import check_address
from benchmarks.cache_study.latency import NoCache, measure
from benchmarks.cache_study.staleness import look_for_stale_answers
from benchmarks.load.output import Steps, progress, result_of, write_result
from benchmarks.texts import guide_questions, read_texts

_TIMEOUT_S = 60.0
_CLIENTS = (1, 32)
_QUESTIONS = 20


def main(
    url: UrlOption = DEFAULT_URL,
    queries: Annotated[
        Path | None,
        typer.Option(
            help="File of questions that the index answers; the guide's headings if none."
        ),
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="API key, where the service asks for one.")
    ] = None,
    requests: Annotated[int, typer.Option(min=1, help="Of each way and round.")] = 200,
    rounds: Annotated[int, typer.Option(min=1, help="Turns of the three ways.")] = 3,
    hits: Annotated[int, typer.Option(min=1, help="Hits to look at after writes.")] = 1000,
    write_every_s: Annotated[float, typer.Option(min=0.0, help="Time between writes.")] = 0.5,
    quick: Annotated[bool, typer.Option("--quick", help="A look, not a figure.")] = False,
    output: Annotated[Path | None, typer.Option(help="File for the JSON result.")] = None,
) -> None:
    """Measure the response cache of a running service.

    Exits with 1 where a hit was older than a write that had been acknowledged before.

    Example: python -m benchmarks.response_cache --output cache.json
    """
    try:
        address = check_address(url)
        questions = guide_questions() if queries is None else read_texts(queries)
    except (OSError, ValueError) as error:
        raise typer.BadParameter(str(error)) from error
    if quick:
        requests, rounds, hits = 20, 1, 100
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    console = make_console()
    try:
        with progress(len(_CLIENTS) + 1, "measuring") as steps:
            results = asyncio.run(
                _measure(
                    *(address, headers, questions, steps),
                    requests=requests,
                    rounds=rounds,
                    hits=hits,
                    write_every_s=write_every_s,
                )
            )
    except (NoCache, httpx.HTTPError) as error:
        console.print(f"{error}", markup=False)
        raise typer.Exit(1) from error
    console.print(_table(results["latency"]))
    stale = results["staleness"]
    console.print(
        f"{stale['hits']} hits and {stale['misses']} misses during {stale['writes']} writes: "
        f"{stale['stale']} hits were older than a write before them",
        markup=False,
    )
    if output is not None:
        configuration = {"requests": requests, "rounds": rounds, "write_every_s": write_every_s}
        write_result(output, result_of(configuration=configuration, results=results))
    if stale["stale"] or stale["hits"] < hits:
        raise typer.Exit(1)


async def _measure(
    address: str,
    headers: dict[str, str],
    questions: list[str],
    steps: Steps,
    *,
    requests: int,
    rounds: int,
    hits: int,
    write_every_s: float,
) -> dict[str, Any]:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(
        base_url=address, headers=headers, timeout=_TIMEOUT_S, limits=limits
    ) as service:
        answered = await _answered(service, questions)
        latency = []
        for clients in _CLIENTS:
            latency += await measure(
                service, answered, clients=clients, requests=requests, rounds=rounds
            )
            steps.done(f"{clients} at once")
        staleness = await look_for_stale_answers(
            service, hits=hits, clients=4, every_s=write_every_s, timeout_s=10 * _TIMEOUT_S
        )
        steps.done("staleness")
    return {"latency": latency, "staleness": staleness}


async def _answered(service: httpx.AsyncClient, questions: list[str]) -> list[str]:
    """Returns questions to which the documents have an answer: others are never kept.

    Raises:
        NoCache: there are none.
    """
    found: list[str] = []
    for question in questions:
        response = await service.post("/v1/query", json={"query": question})
        response.raise_for_status()
        answer = response.json()
        if answer["grounded"] and not answer["degraded"] and answer["finish_reason"] == "stop":
            found.append(question)
        if len(found) == _QUESTIONS:
            return found
    if not found:
        raise NoCache("The documents answer none of the questions: give a file by --queries.")
    return found


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table("way", "at once", "requests", "p50 ms", "p99 ms")
    for row in rows:
        table.add_row(
            row["way"],
            str(row["clients"]),
            str(row["requests"]),
            f"{row['p50_ms']:.1f}",
            f"{row['p99_ms']:.1f}",
        )
    return table


cli = typer.Typer(add_completion=False)
cli.command()(main)

if __name__ == "__main__":
    cli()
