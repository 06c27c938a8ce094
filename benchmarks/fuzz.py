"""`python -m benchmarks.fuzz`: damaged files into a running service, and what they do to others.

Each request carries some damaged files and a good one. A damaged file may be read or may fail by
name; the good one must be added, no request may fail, no replica may die, and searches must go on.
"""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import aiohttp
import psutil
import typer

from app.cli.options import UrlOption
from app.cli.output import make_console
from app.client.address import DEFAULT_URL
from app.client.api_client import ApiClient
from app.client.files import SourceFile, find_files
from app.client.mirror import list_documents
from benchmarks.addresses import check_address
from benchmarks.fuzz_study.mutations import Sample, mutated
from benchmarks.load.driver import Sample as Timed
from benchmarks.load.driver import open_loop
from benchmarks.load.http import HttpTarget
from benchmarks.load.output import progress, result_of, write_result
from benchmarks.load.summary import summarise
from benchmarks.texts import guide_questions

_FILES_AT_ONCE = 4
_SEARCHES_PER_S = 5
_SLICE_S = 2.0
"""Searches are begun in slices, between which it shows whether there are files left."""
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)


@dataclass
class Outcome:
    """What became of all files.

    Attributes:
        sent: Damaged files.
        statuses: How many of them were added, updated or failed.
        hurt: Good files that were not added, and what was said instead.
        failed_requests: Answers that were none of 200.
        largest_child_mib: The most memory that a process that reads files held.
        slowest_s: The longest request.
    """

    sent: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    hurt: list[str] = field(default_factory=list)
    failed_requests: list[str] = field(default_factory=list)
    largest_child_mib: float = 0.0
    slowest_s: float = 0.0


def main(
    paths: Annotated[list[Path], typer.Argument(help="Whole files, to be damaged.")],
    url: UrlOption = DEFAULT_URL,
    count: Annotated[int, typer.Option(min=1, help="Damaged files.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of the damage.")] = 1,
    quiet_s: Annotated[
        float, typer.Option("--quiet", min=1.0, help="Seconds of searches alone, before and after.")
    ] = 20.0,
    most_s: Annotated[
        float, typer.Option("--most", min=1.0, help="Seconds after which no file is sent any more.")
    ] = 1500.0,
    output: Annotated[Path | None, typer.Option(help="File for the JSON result.")] = None,
) -> None:
    """Send damaged files to /v1/documents while searches go on; what they left is deleted.

    Five searches a second come in at even times, whatever becomes of those before.

    Exits with 1 when a request failed, a good file was hurt, or a replica that indexes died.

    Example: python -m benchmarks.fuzz docs samples/*.pdf --count 1000 --output fuzz.json
    """
    console = make_console()
    try:
        address = check_address(url)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    files = [item for item in find_files(paths, root=None) if isinstance(item, SourceFile)]
    samples = [Sample(file.file.name, file.file.read_bytes()) for file in files]
    if not samples:
        raise typer.BadParameter("There is no file that is read.")
    damaged = list(mutated(samples, count=count, seed=seed))
    before = _indexers()
    try:
        outcome, quiet, busy = asyncio.run(_measure(address, damaged, seed, quiet_s, most_s))
        died = len(set(before) - set(_indexers()))
        result = {
            "files": outcome.sent,
            "statuses": dict(outcome.statuses),
            "failed_requests": outcome.failed_requests,
            "good_files_hurt": outcome.hurt,
            "indexers_that_died": died,
            "largest_child_mib": round(outcome.largest_child_mib),
            "slowest_request_s": round(outcome.slowest_s, 2),
            "search_alone": quiet,
            "search_meanwhile": busy,
        }
        console.print(json.dumps(result, indent=2))
        if output is not None:
            names = [sample.name for sample in samples]
            configuration = {"count": count, "seed": seed, "files": names}
            write_result(output, result_of(configuration=configuration, results=result))
    finally:
        _delete_all(address)
    if died or outcome.hurt or outcome.failed_requests:
        raise typer.Exit(1)


async def _measure(
    url: str, damaged: Sequence[Sample], seed: int, quiet_s: float, most_s: float
) -> tuple[Outcome, dict[str, Any], dict[str, Any]]:
    """Returns what became of the files, and the figures of searches without and with them."""
    bodies = [json.dumps({"query": question}).encode() for question in guide_questions()]
    outcome = Outcome()
    async with HttpTarget(url) as target:

        async def search(duration_s: float) -> list[Timed]:
            arrivals_s = [n / _SEARCHES_PER_S for n in range(int(duration_s * _SEARCHES_PER_S))]
            return await open_loop(
                lambda index: target.post("/v1/search", bodies[index % len(bodies)]), arrivals_s
            )

        await search(_SLICE_S)  # what the first requests load
        quiet = await search(quiet_s)
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        searching = asyncio.create_task(_search_until_cancelled(search))
        watching = asyncio.create_task(_watch_children(outcome))
        await _upload_all(url, damaged, seed, most_s, outcome)
        searching.cancel()
        watching.cancel()
        busy = await searching
        took_s = loop.time() - began_s
        quiet += await search(quiet_s)
    return (
        outcome,
        summarise(quiet, duration_s=2 * quiet_s),
        {"took_s": round(took_s, 1), **summarise(busy, duration_s=took_s)},
    )


async def _search_until_cancelled(search: Any) -> list[Timed]:
    """Returns the samples of all searches until nobody wants more."""
    samples: list[Timed] = []
    try:
        while True:
            samples += await search(_SLICE_S)
    except asyncio.CancelledError:
        return samples


async def _upload_all(
    url: str, damaged: Sequence[Sample], seed: int, most_s: float, outcome: Outcome
) -> None:
    loop = asyncio.get_running_loop()
    end_s = loop.time() + most_s
    timeout = aiohttp.ClientTimeout(total=600)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        with progress(len(damaged), "files") as steps:
            for first in range(0, len(damaged), _FILES_AT_ONCE):
                if loop.time() > end_s:
                    break
                group = damaged[first : first + _FILES_AT_ONCE]
                good = f"fuzz/good-{first}.md"
                form = aiohttp.FormData(quote_fields=False)
                for sample in group:
                    form.add_field("files", sample.content, filename=f"fuzz/{sample.name}")
                text = f"# Good {first}\n\nA file that nobody damaged, number {first} of {seed}."
                form.add_field("files", text.encode(), filename=good)
                began_s = loop.time()
                async with session.post(f"{url}/v1/documents", data=form) as response:
                    _note(outcome, response.status, await response.text(), good)
                outcome.slowest_s = max(outcome.slowest_s, loop.time() - began_s)
                outcome.sent += len(group)
                for _ in group:
                    steps.done("files")


def _note(outcome: Outcome, status: int, body: str, good: str) -> None:
    if status != 200:
        outcome.failed_requests.append(f"HTTP {status}: {body[:200]}")
        return
    for told in json.loads(body)["outcomes"]:
        if told["path"] == good:
            if told["status"] not in ("added", "updated", "unchanged"):
                outcome.hurt.append(f"{good}: {told['message']}")
        else:
            outcome.statuses[told["status"]] += 1


async def _watch_children(outcome: Outcome) -> None:
    """Looks at those who read files, rarely: the searches that are timed wait meanwhile."""
    indexers = [psutil.Process(pid) for pid in _indexers()]
    while True:
        outcome.largest_child_mib = max(outcome.largest_child_mib, *_children_mib(indexers), 0.0)
        await asyncio.sleep(1.0)


def _children_mib(indexers: Sequence[psutil.Process]) -> list[float]:
    """Returns the most memory that each process that reads files ever held."""
    held = []
    for indexer in indexers:
        with suppress(psutil.Error, OSError):  # it, or one of its children, has ended
            held += [_peak_mib(child.pid) for child in indexer.children()]
    return held


def _peak_mib(pid: int) -> float:
    match = _PEAK.search(Path(f"/proc/{pid}/status").read_text())
    return 0.0 if match is None else int(match[1]) / 1024


def _indexers() -> list[int]:
    """Returns the ids of the processes on this machine that index documents."""
    found = []
    for process in psutil.process_iter():
        try:
            if any("Indexer" in word and "ray::" in word for word in process.cmdline()):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def _delete_all(url: str) -> None:
    with ApiClient(url, timeout_s=60.0) as service:
        left = [item for item in list_documents(service) if item.path.startswith("fuzz/")]
        with progress(len(left), "deleting") as steps:
            for document in left:
                service.request("DELETE", f"/v1/documents/{document.document_id}")
                steps.done("deleting")


if __name__ == "__main__":
    typer.run(main)
