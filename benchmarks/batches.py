"""`python -m benchmarks.batches`: a batch of work beside requests that somebody waits for, and with
kills.

First the same requests come at random times without a batch and beside one, in turns, so that what
else the machine does meanwhile is in both. Then a whole batch runs while a gateway replica and the
keeper of batches are killed, and its output is held against its input.
"""

import asyncio
import json
import time
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.table import Table

from app.cli.output import make_console
from benchmarks.addresses import check_address
from benchmarks.load.arrivals import poisson
from benchmarks.load.driver import Reply, Sample, open_loop
from benchmarks.load.http import HttpTarget
from benchmarks.load.output import progress, result_of, write_result
from benchmarks.load.summary import summarise_runs
from benchmarks.replica_processes import ReplicaProcesses

_QUESTIONS = (
    "What restarts a replica?",
    "How do I ask for a release?",
    "What does the reranker do?",
    "Where is state kept?",
)
_MOST_SLOWER = 0.25
_LINES_PER_S = 200
"""More than are answered: the batch lasts as long as the phase."""
_POLL_S = 0.5
_PATIENCE_S = 7200.0
_KILLS = (
    (0.25, "gateway", "Ingress"),
    (0.50, "control", "BatchKeeper"),
    (0.65, "gateway", "Ingress"),
    (0.75, "control", "BatchKeeper"),
)


def main(
    url: Annotated[str, typer.Option(help="Address of the stack.")] = "http://127.0.0.1:8000",
    home: Annotated[Path, typer.Option(help="Folder of the stack.")] = Path(".ragserve"),
    lines: Annotated[int, typer.Option(min=4, help="Lines of the batch.")] = 10_000,
    rate: Annotated[float, typer.Option(min=0.1, help="Requests per second beside it.")] = 4.0,
    phase_s: Annotated[float, typer.Option("--phase", min=2, help="Seconds of a phase.")] = 20,
    rounds: Annotated[int, typer.Option(min=0, help="Phases without and with a batch.")] = 3,
    output: Annotated[Path | None, typer.Option(help="File for the JSON result.")] = None,
) -> None:
    """Measure requests beside a batch, then kill replicas under one.

    Exits with 1 when a line of the batch is missing or there twice, or the requests' p95 rose by
    more than 25 %.

    Example: python -m benchmarks.batches --lines 1000 --output batches.json
    """
    console = make_console()
    url = check_address(url)
    result: dict[str, Any] = {}
    if rounds:
        result["requests"] = asyncio.run(_beside(url, rate, phase_s, rounds))
        console.print(_table(result["requests"]))
    result["batch"] = _with_kills(url, ReplicaProcesses(home), lines)
    console.print(result["batch"])
    if output is not None:
        configuration = {"lines": lines, "rate": rate, "phase_s": phase_s, "rounds": rounds}
        write_result(output, result_of(configuration=configuration, results=result))
    slower = result["requests"]["slower"] if rounds else 0.0
    batch = result["batch"]
    if slower > _MOST_SLOWER or batch["missing"] or batch["twice"] or batch["unknown"]:
        raise typer.Exit(1)


async def _beside(url: str, rate: float, phase_s: float, rounds: int) -> dict[str, Any]:
    """Returns the figures of requests without a batch and beside one."""
    runs: dict[str, list[list[Sample]]] = {"without": [], "beside": []}
    answered = 0
    with progress(2 * rounds, "requests") as bar:
        async with HttpTarget(url) as target, httpx.AsyncClient(base_url=url, timeout=120) as http:

            async def ask(index: int) -> Reply:
                body = {"query": f"{_QUESTIONS[index % len(_QUESTIONS)]} {index}"}
                return await target.post("/v1/query", json.dumps(body).encode())

            for turn in range(rounds):
                arrivals = poisson(rate, duration_s=phase_s, seed=turn)
                if not turn:
                    await open_loop(ask, arrivals)  # what was cold is warm
                runs["without"].append(await open_loop(ask, arrivals))
                bar.done("beside a batch")
                many = _lines(int(phase_s * _LINES_PER_S))
                batch_id = (await http.post("/v1/batches", **many)).json()["id"]
                await asyncio.sleep(3.0)
                runs["beside"].append(await open_loop(ask, arrivals))
                batch = (await http.post(f"/v1/batches/{batch_id}/cancel")).json()
                answered += sum(batch["request_counts"][name] for name in ("completed", "failed"))
                bar.done("requests")
                while batch["status"] != "cancelled":
                    await asyncio.sleep(_POLL_S)
                    batch = (await http.get(f"/v1/batches/{batch_id}")).json()
    figures = {name: summarise_runs(found, duration_s=phase_s) for name, found in runs.items()}
    slower = figures["beside"]["p95_ms"] / figures["without"]["p95_ms"] - 1
    return {**figures, "slower": round(slower, 3), "lines_answered": answered}


def _with_kills(url: str, processes: ReplicaProcesses, lines: int) -> dict[str, Any]:
    """Returns what became of the lines of a batch under kills."""
    kills = list(_KILLS)
    started_s = time.monotonic()
    with httpx.Client(base_url=url, timeout=120) as http, progress(lines, "batch") as bar:
        batch = http.post("/v1/batches", **_lines(lines)).json()
        done = 0
        while batch["status"] not in ("completed", "failed", "expired", "cancelled"):
            if time.monotonic() - started_s > _PATIENCE_S:
                raise TimeoutError("the batch does not end")
            time.sleep(_POLL_S)
            try:
                answer = http.get(f"/v1/batches/{batch['id']}")
            except httpx.HTTPError:
                continue  # the gateway was killed
            if not answer.is_success:
                continue
            batch = answer.json()
            now = batch["request_counts"]["completed"] + batch["request_counts"]["failed"]
            bar.done(steps=now - done)
            done = now
            if kills and done >= kills[0][0] * lines:
                _, application, deployment = kills.pop(0)
                processes.kill(application, deployment)
                bar.done(f"{deployment} killed", steps=0)
        took_s = time.monotonic() - started_s
        ids: Counter[str] = Counter()
        statuses: Counter[str] = Counter()
        for name in ("output_file_id", "error_file_id"):
            if batch[name]:
                for line in _content(http, batch[name]).split("\n")[:-1]:
                    read = json.loads(line)
                    ids[read["custom_id"]] += 1
                    statuses[str((read["response"] or {}).get("status_code"))] += 1
    wanted = {f"line-{number}" for number in range(1, lines + 1)}
    return {
        "status": batch["status"],
        "lines": lines,
        "missing": len(wanted - set(ids)),
        "twice": sum(count > 1 for count in ids.values()),
        "unknown": len(set(ids) - wanted),
        "statuses": dict(statuses),
        "kills": len(_KILLS) - len(kills),
        "took_s": round(took_s, 1),
    }


def _content(http: httpx.Client, file_id: str) -> str:
    """Returns a file's lines; a gateway that was killed is waited for."""
    for _ in range(200):
        try:
            answer = http.get(f"/v1/files/{file_id}/content")
            if answer.is_success:
                return answer.text
        except httpx.HTTPError:
            pass
        time.sleep(_POLL_S)
    raise TimeoutError("the results cannot be read")


def _lines(count: int) -> dict[str, Any]:
    """Returns what is sent to begin a batch of so many questions, all of them different."""
    text = "".join(f"{_QUESTIONS[n % len(_QUESTIONS)]} Case {n}.\n" for n in range(count))
    return {"content": text.encode(), "headers": {"content-type": "text/plain"}}


def _table(figures: dict[str, Any]) -> Table:
    table = Table("batch", "requests", "ok", "p50 ms", "p95 ms", "95 % interval")
    for name in ("without", "beside"):
        one = figures[name]
        values = (one["count"], one["ok"], one["p50_ms"], one["p95_ms"], one["p95_ci95_ms"])
        table.add_row(name, *map(str, values))
    table.caption = (
        f"p95 {figures['slower']:+.0%} beside a batch; {figures['lines_answered']} lines meanwhile"
    )
    return table


if __name__ == "__main__":
    typer.run(main)
