"""`python -m benchmarks.grpc`: the same calls over HTTP and over gRPC, in turns.

Both end with the same values in a Python program: arrays for vectors, dictionaries or messages for
answers. Before anything is measured, vectors and answers of both are compared.
"""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import grpc
import httpx
import numpy as np
import typer
from rich.table import Table

from app.cli.options import UrlOption
from app.cli.output import make_console
from app.client.address import DEFAULT_URL
from benchmarks.addresses import check_address
from benchmarks.grpc_study.turns import take_turns
from benchmarks.grpc_study.ways import over_grpc, over_http
from benchmarks.load.output import result_of, write_result
from benchmarks.texts import guide_questions

_MAX_MESSAGE = [("grpc.max_receive_message_length", 64 * 2**20)]


def main(
    url: UrlOption = DEFAULT_URL,
    target: Annotated[str, typer.Option(help="Host and port of gRPC.")] = "127.0.0.1:9000",
    texts: Annotated[int, typer.Option(min=1, help="Texts that are embedded at once.")] = 256,
    many: Annotated[int, typer.Option(min=2, help="What `many clients` means.")] = 16,
    rounds: Annotated[int, typer.Option(min=1, help="Turns of each way.")] = 3,
    duration_s: Annotated[
        float, typer.Option("--duration", min=1.0, help="Seconds of one turn.")
    ] = 5.0,
    output: Annotated[Path | None, typer.Option(help="File for the JSON result.")] = None,
) -> None:
    """Measure embeddings, questions, searches and streams.

    Example: python -m benchmarks.grpc --output grpc.json
    """
    questions = guide_questions()
    embedded = [f"{questions[number % len(questions)]} ({number})" for number in range(texts)]
    workloads = [("embeddings", 1), ("embeddings, base64", 1)]
    workloads += [
        (name, clients) for name in ("search", "query", "stream") for clients in (1, many)
    ]
    results = asyncio.run(
        _run(check_address(url), target, embedded, questions, workloads, rounds, duration_s)
    )
    configuration = {"texts": texts, "rounds": rounds, "duration_s": duration_s}
    result = result_of(configuration=configuration, results=results)
    make_console().print(_table(results))
    if output is not None:
        write_result(output, result)


async def _run(
    url: str,
    target: str,
    texts: list[str],
    questions: list[str],
    workloads: list[tuple[str, int]],
    rounds: int,
    duration_s: float,
) -> dict[str, Any]:
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
    async with (
        httpx.AsyncClient(base_url=url, timeout=120, limits=limits, trust_env=False) as client,
        grpc.aio.insecure_channel(target, options=_MAX_MESSAGE) as channel,
    ):
        ways = {
            "HTTP": over_http(client, texts, questions),
            "gRPC": over_grpc(channel, texts, questions),
        }
        await _compare(ways)
        return await take_turns(ways, workloads, rounds=rounds, duration_s=duration_s)


async def _compare(ways: dict[str, Any]) -> None:
    """Raises AssertionError where the two ways do not have the same answers."""
    one, other = [await calls["embeddings"](0) for calls in ways.values()]
    assert np.allclose(one, other, atol=1e-6), "vectors differ"
    over_http_, over_grpc_ = [await calls["query"](0) for calls in ways.values()]
    assert over_http_["answer"] == over_grpc_.answer, "answers differ"


def _table(results: dict[str, Any]) -> Table:
    table = Table("workload", "HTTP p50", "gRPC p50", "HTTP per s", "gRPC per s", "gRPC / HTTP")
    for workload, ways in results.items():
        http, other = ways["HTTP"], ways["gRPC"]
        table.add_row(
            workload,
            f"{http['p50_ms']:.1f} ms",
            f"{other['p50_ms']:.1f} ms",
            f"{http['per_s']:.1f}",
            f"{other['per_s']:.1f}",
            f"{other['per_s'] / http['per_s']:.2f}",
        )
    return table


if __name__ == "__main__":
    typer.run(main)
