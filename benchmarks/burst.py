"""`python -m benchmarks.burst`: bursts on a service that is idle, and sockets that stall beside it.

A service that has nothing to do must take a burst without refusing any of it, also right after its
start and its calibration; and clients that send half a body must cost the others nothing.
"""

import asyncio
import json
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from rich.table import Table

from app.cli.options import UrlOption
from app.cli.output import make_console
from app.client.address import DEFAULT_URL
from benchmarks.addresses import check_address
from benchmarks.load.driver import closed_loop, open_loop
from benchmarks.load.http import HttpTarget
from benchmarks.load.output import Steps, progress, result_of, write_result
from benchmarks.load.summary import summarise, summarise_runs
from benchmarks.texts import guide_questions

_PATH = "/v1/search"
_SIZES = (16, 40, 64, 128)
_HALF_A_BODY = (
    b"POST /v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b'Content-Length: 200\r\n\r\n{"query": "What'
)


def main(
    url: UrlOption = DEFAULT_URL,
    sizes: Annotated[
        list[int] | None, typer.Option("--size", min=1, help="Requests of a burst.")
    ] = None,
    rest_s: Annotated[float, typer.Option("--rest", min=0.0, help="Idle time before each.")] = 5.0,
    stalled: Annotated[int, typer.Option(min=0, help="Sockets that stall; 0 for none.")] = 100,
    rounds: Annotated[int, typer.Option(min=1, help="Windows with and without them.")] = 3,
    duration_s: Annotated[
        float, typer.Option("--duration", min=0.5, help="Seconds of a window.")
    ] = 4.0,
    output: Annotated[Path | None, typer.Option(help="File for the JSON result.")] = None,
) -> None:
    """Measure /v1/search in bursts, and beside sockets that stall.

    Exits with 1 when a burst of up to 64 was not answered whole.

    Example: python -m benchmarks.burst --output burst.json
    """
    console = make_console()
    try:
        address = check_address(url)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    chosen = list(dict.fromkeys(sizes or _SIZES))
    bodies = [_body(question) for question in guide_questions()]
    steps_count = len(chosen) + (2 * rounds if stalled else 0)
    with progress(steps_count, f"burst of {chosen[0]}") as steps:
        bursts = asyncio.run(_bursts(address, bodies, chosen, rest_s, steps))
        beside = (
            asyncio.run(_beside_stalled(address, bodies, stalled, rounds, duration_s, steps))
            if stalled
            else {}
        )
    console.print(_burst_table(bursts))
    if beside:
        console.print(_stalled_table(beside))
    if output is not None:
        configuration = {"rest_s": rest_s, "stalled": stalled, "duration_s": duration_s}
        results = {"bursts": bursts, "stalled": beside}
        write_result(output, result_of(configuration=configuration, results=results))
    if any(burst["refused"] or burst["failed"] for burst in bursts if burst["size"] <= 64):
        raise typer.Exit(1)


def _body(question: str) -> bytes:
    return json.dumps({"query": question}, ensure_ascii=False).encode()


async def _bursts(
    url: str, bodies: Sequence[bytes], sizes: Sequence[int], rest_s: float, steps: Steps
) -> list[dict[str, Any]]:
    """Returns the figures of one burst of each size, in their order."""
    bursts = []
    async with HttpTarget(url) as target:
        for place, size in enumerate(sizes):
            await asyncio.sleep(rest_s if place else 0.0)
            samples = await open_loop(
                lambda index: target.post(_PATH, bodies[index % len(bodies)]), [0.0] * size
            )
            took_s = max(sample.ended_s for sample in samples)
            figures = summarise(samples, duration_s=took_s)
            bursts.append({"size": size, "took_s": round(took_s, 3), **figures})
            steps.done(f"burst of {sizes[place + 1]}" if place + 1 < len(sizes) else "stalled")
    return bursts


async def _beside_stalled(
    url: str, bodies: Sequence[bytes], count: int, rounds: int, duration_s: float, steps: Steps
) -> dict[str, Any]:
    """Returns the figures of searches without and with sockets that stall, measured in turns."""
    runs: dict[str, list[Any]] = {"without": [], "with": []}
    async with HttpTarget(url) as target:
        for _ in range(rounds):
            for name, samples in runs.items():
                async with AsyncExitStack() as stack:
                    for _ in range(count if name == "with" else 0):
                        await stack.enter_async_context(_Stalled(url))
                    samples.append(
                        await closed_loop(
                            lambda index: target.post(_PATH, bodies[index % len(bodies)]),
                            concurrency=4,
                            duration_s=duration_s,
                            warmup_s=0.5,
                        )
                    )
                steps.done(f"{name} stalled sockets")
    return {name: summarise_runs(samples, duration_s=duration_s) for name, samples in runs.items()}


class _Stalled:
    """A connection on which half a body has come."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> None:
        _, self._writer = await asyncio.open_connection(self._host, self._port)
        self._writer.write(_HALF_A_BODY)
        await self._writer.drain()

    async def __aexit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.close()


def _burst_table(bursts: Sequence[dict[str, Any]]) -> Table:
    table = Table(title="Bursts on an idle service", title_justify="left")
    for name in ("at once", "answered", "refused", "failed", "took s", "p50 ms", "p95 ms"):
        table.add_column(name, justify="right")
    for burst in bursts:
        keys = ("size", "ok", "refused", "failed", "took_s", "p50_ms", "p95_ms")
        table.add_row(*(f"{burst[key]:.4g}" for key in keys))
    return table


def _stalled_table(beside: dict[str, Any]) -> Table:
    table = Table(title="Four searches at a time beside sockets that stall", title_justify="left")
    for name in ("stalled sockets", "requests/s", "p50 ms", "p95 ms", "refused", "failed"):
        table.add_column(name, justify="right")
    for name, figures in beside.items():
        keys = ("requests_per_s", "p50_ms", "p95_ms", "refused", "failed")
        table.add_row(name, *(f"{figures[key]:.4g}" for key in keys))
    return table


if __name__ == "__main__":
    typer.run(main)
