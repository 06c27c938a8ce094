"""`python -m benchmarks.consoles`: what open consoles cost those who ask.

Questions come to the running service by chance, as many a second as is said, in turns without and
with consoles that look at it as often as those in browsers do. What is compared is the time of the
answers, from the moment at which a question came.
"""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.table import Table

from app.cli.options import DEFAULT_HOME, HomeOption, UrlOption
from app.client.address import DEFAULT_URL
from benchmarks.load.arrivals import poisson
from benchmarks.load.driver import OK, Reply, open_loop
from benchmarks.load.output import progress, result_of, write_result
from benchmarks.texts import guide_questions

# As the files under app/console/static/pages have it: path, and seconds between two looks.
OVERVIEW = (("/admin/overview?minutes=15", 5.0), ("/admin/releases", 30.0), ("/health/ready", 30.0))
ROLLOUTS = (("/admin/rollouts?limit=20", 10.0),)
ROLLOUT = (("/admin/rollouts/{id}", 2.0), ("/admin/rollouts/{id}/looks", 60.0))
_SETTLE_S = 3.0


def main(
    url: UrlOption = DEFAULT_URL,
    home: HomeOption = DEFAULT_HOME,
    consoles: Annotated[int, typer.Option(min=1, help="Consoles that are open.")] = 10,
    rate_per_s: Annotated[float, typer.Option("--rate", min=0.1, help="Questions a second.")] = 4.0,
    turn_s: Annotated[float, typer.Option("--turn", min=1, help="Seconds of a turn.")] = 20.0,
    rounds: Annotated[int, typer.Option(min=1, help="Turns with and without.")] = 5,
    output: Annotated[Path | None, typer.Option(help="File for the JSON result.")] = None,
) -> None:
    """Measure what ten open consoles add to the time of an answer.

    Example: python -m benchmarks.consoles --rounds 5
    """
    key = (home / "admin_key").read_text(encoding="utf-8").strip()
    arms: dict[int, list[dict[str, float]]] = {0: [], consoles: []}
    with progress(2 * rounds, "asking") as steps:
        for number in range(rounds):
            # Each round the other way round: what grows with time hits both alike.
            for open_now in sorted(arms, reverse=number % 2 == 1):
                arms[open_now].append(
                    asyncio.run(_turn(url, key, open_now, rate_per_s, turn_s, number))
                )
                steps.done(f"{open_now} consoles")
    results = summary(arms)
    Console().print(_table(results))
    if output is not None:
        configuration = {
            "consoles": consoles,
            "rate_per_s": rate_per_s,
            "turn_s": turn_s,
            "rounds": rounds,
        }
        write_result(output, result_of(configuration=configuration, results=results))


def summary(arms: dict[int, list[dict[str, float]]]) -> dict[str, Any]:
    """Returns the medians over the turns by number of consoles, and the median over the rounds of
    the ratio with consoles to without."""
    (none, some) = sorted(arms)
    names = ("p50_ms", "p95_ms")
    median = {
        str(number): {name: statistics.median(turn[name] for turn in turns) for name in names}
        | {"looks_per_s": statistics.median(turn["looks_per_s"] for turn in turns)}
        for number, turns in arms.items()
    }
    pairs = list(zip(arms[none], arms[some], strict=True))
    ratio = {
        name: statistics.median(after[name] / before[name] for before, after in pairs)
        for name in names
    }
    spread = [round(after["p95_ms"] / before["p95_ms"], 3) for before, after in pairs]
    return {"median": median, "ratio": ratio, "p95_ratios": spread}


async def _turn(
    url: str, key: str, consoles: int, rate_per_s: float, turn_s: float, seed: int
) -> dict[str, float]:
    looks: list[float] = []
    texts = guide_questions()
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:

        async def ask(number: int) -> Reply:
            body = {"query": texts[number % len(texts)]}
            (await client.post("/v1/query", json=body)).raise_for_status()
            return OK

        async with _watching(client, key, consoles, looks):
            await asyncio.sleep(_SETTLE_S)
            looks.clear()
            # Both arms of a round get the same questions at the same moments.
            arrivals = poisson(rate_per_s, duration_s=turn_s, seed=seed)
            samples = await open_loop(ask, arrivals)
    failed = [sample.detail for sample in samples if sample.outcome != "ok"]
    if failed:
        raise typer.BadParameter(f"a question was not answered: {failed[0]}", param_hint="--rate")
    ordered = sorted(sample.latency_ms for sample in samples)
    return {
        "p50_ms": statistics.median(ordered),
        "p95_ms": ordered[int(0.95 * (len(ordered) - 1))],
        "looks_per_s": len(looks) / turn_s,
    }


@asynccontextmanager
async def _watching(
    client: httpx.AsyncClient, key: str, consoles: int, looks: list[float]
) -> AsyncIterator[None]:
    """Has consoles open: every second one shows the overview, the others the latest rollout."""
    headers = {"Authorization": f"Bearer {key}"}
    found = (await client.get("/admin/rollouts?limit=1", headers=headers)).json()["rollouts"]
    watched = tuple((path.format(id=one["id"]), s) for one in found for path, s in ROLLOUT)
    pages = [OVERVIEW if number % 2 == 0 else ROLLOUTS + watched for number in range(consoles)]
    tasks = [
        asyncio.create_task(_look(client, headers, path, every_s, looks, place / max(consoles, 1)))
        for place, page in enumerate(pages)
        for path, every_s in page
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks)


async def _look(
    client: httpx.AsyncClient,
    headers: dict[str, str],
    path: str,
    every_s: float,
    looks: list[float],
    phase: float,
) -> None:
    await asyncio.sleep(phase * min(every_s, _SETTLE_S))
    while True:
        answer = await client.get(path, headers=headers)
        answer.raise_for_status()
        looks.append(time.perf_counter())
        await asyncio.sleep(every_s)


def _table(results: dict[str, Any]) -> Table:
    table = Table("consoles", "looks/s", "p50 ms", "p95 ms", box=None)
    for number, each in results["median"].items():
        figures: Sequence[float] = [each[n] for n in ("looks_per_s", "p50_ms", "p95_ms")]
        table.add_row(number, *(f"{figure:.1f}" for figure in figures))
    ratio = results["ratio"]
    table.add_row("ratio", "", *(f"{ratio[name]:.3f}" for name in ("p50_ms", "p95_ms")))
    return table


if __name__ == "__main__":
    typer.run(main)
