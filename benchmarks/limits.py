"""`python -m benchmarks.limits`: what limits and budgets cost, and whether they hold.

Processes stand for replicas of the gateway; each has a limiter of its own, over SQLite and, where a
server is installed, Redis, which take turns.
"""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.limits_study import exactness, latency, money
from benchmarks.limits_study.replicas import Places
from benchmarks.load.output import progress, result_of, write_result
from benchmarks.peers.redis_server import redis_program, running_redis

PARTS = ("latency", "requests", "tokens", "budget", "kill")
_SLOWEST_P50_MS = {"sqlite": 1.5, "redis": 2.5}
_SLOWEST_FREE_S = 12.0


def main(
    part: Annotated[
        list[str] | None, typer.Option(help=f"One of {', '.join(PARTS)}; all by default.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Turns of each store.")] = 3,
    replicas: Annotated[int, typer.Option(min=1, help="Processes.")] = 4,
    requests: Annotated[int, typer.Option(min=64, help="Requests of a burst.")] = 2000,
    quick: Annotated[bool, typer.Option("--quick", help="A look, not a figure.")] = False,
    output: Annotated[Path | None, typer.Option(help="File for the JSON result.")] = None,
) -> None:
    """Measure limits and budgets over several processes.

    Example: python -m benchmarks.limits --output limits.json
    """
    parts = part or list(PARTS)
    if unknown := sorted(set(parts) - set(PARTS)):
        raise typer.BadParameter(f"unknown: {', '.join(unknown)}", param_hint="--part")
    rounds = 1 if quick else rounds
    results: dict[str, Any] = {}
    with _stores() as stores, progress(len(parts), "measuring") as steps:
        for name in parts:
            results[name] = _measure(name, stores, rounds, replicas, requests, quick=quick)
            steps.done(name)
    console = Console()
    for name, rows in results.items():
        console.print(_table(name, rows))
    for missed in _missed(results):
        console.print(f"missed: {missed}")
    if output is not None:
        configuration = {"rounds": rounds, "replicas": replicas, "requests": requests}
        write_result(output, result_of(configuration=configuration, results=results))
    if _missed(results):
        raise typer.Exit(1)


@contextmanager
def _stores() -> Iterator[dict[str, str]]:
    """Returns the URLs of stores by name, with `{}` where something unused is to stand."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ragserve-limits-"))
        stores = {"sqlite": f"sqlite:///{folder}/{{}}.db"}
        if (program := redis_program()) is not None:
            server = stack.enter_context(running_redis(program))
            stores["redis"] = server.url.removesuffix("0") + "{}"
        yield stores


_numbers = iter(range(16))


def _places(stores: dict[str, str]) -> dict[str, Places]:
    """Returns each store empty, with an empty database."""
    number = next(_numbers)
    database = stores["sqlite"].format(f"control{number}")
    made = {}
    for name, url in stores.items():
        made[name] = Places(url.format(number), database.replace("control", f"{name}-control"))
        made[name].prepare()
    return made


def _measure(
    name: str, stores: dict[str, str], rounds: int, replicas: int, requests: int, *, quick: bool
) -> list[dict[str, Any]]:
    if name == "latency":
        counts = (8,) if quick else (1, 8)
        return latency.measure(
            _places(stores),
            rounds=rounds,
            counts=counts,
            replicas=1,
            requests=50 if quick else 300,
        )
    rows = []
    for turn in range(1 if name == "kill" else rounds):
        for store, places in _places(stores).items():
            if name == "requests":
                limit = requests * 3 // 5
                found = exactness.measure_requests(
                    places, replicas=replicas, requests=requests, limit=limit
                )
            elif name == "tokens":
                found = exactness.measure_tokens(
                    places, replicas=replicas, requests=requests, limit=requests * 200
                )
            elif name == "budget":
                if store != "sqlite":
                    continue  # budgets are in the database
                found = money.measure_burst(
                    places, replicas=replicas, requests=requests, limit=requests * 100
                )
            else:
                found = money.measure_kill(places)
            rows.append({"store": store, "turn": turn, **found})
    return rows


def _missed(results: dict[str, Any]) -> list[str]:
    """Returns the targets that were not met."""
    missed = []
    for row in results.get("latency", ()):
        most_ms = _SLOWEST_P50_MS[row["store"]]
        if row["clients"] == 8 and row["added_p50_ms"] > most_ms:
            said = f"{row['store']} with {row['charged']}"
            missed.append(f"{said} adds {row['added_p50_ms']} ms of {most_ms}")
    for name, rows in results.items():
        for row in rows:
            none = (
                *("overshoot", "overshoot_picousd"),
                *("answers_less_spent_picousd", "answered_not_spent_picousd"),
            )
            soon = ("money_free_after_s", "places_free_after_s")
            wrong = [field for field in none if row.get(field)]
            wrong += [field for field in soon if row.get(field, 0.0) > _SLOWEST_FREE_S]
            missed += [f"{name} over {row['store']}: {field} is {row[field]}" for field in wrong]
    return missed


def _table(name: str, rows: list[dict[str, Any]]) -> Table:
    table = Table(title=name)
    for heading in rows[0] if rows else ():
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    return table


if __name__ == "__main__":
    typer.run(main)
