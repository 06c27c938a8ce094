"""`python -m benchmarks.shards`: what dealing an index over shards costs a search, with made-up
documents: the CPU time of each part of it, which other work on the machine changes little, what
travels, and whether the same is found.

The index in one, and each shard, are files that a process of its own opens. There is no store, no
network and no model.
"""

import multiprocessing
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.table import Table

from app.cli.output import make_console
from benchmarks.load.output import progress, result_of, write_result
from benchmarks.shards_study.party import HOW, REACH, TOP_K, Cost, ask_party, open_party
from deployments.sharding.deal import MAX_SHARDS, Deal
from deployments.sharding.merging import merge, sum_counts

_SEED = 1
_WARMUP_SEARCHES = 20


def main(
    chunks: Annotated[int, typer.Option(min=10, help="Chunks of 120 words.")] = 100_000,
    shards: Annotated[int, typer.Option(min=2, max=MAX_SHARDS, help="Shards.")] = 2,
    searches: Annotated[int, typer.Option(min=20, help="Hybrid searches.")] = 200,
    exact: Annotated[
        bool,
        typer.Option("--exact", help="Compute all cosines: then exactly the same has to be found."),
    ] = False,
    folder: Annotated[
        Path | None,
        typer.Option(help="Where the files are, or are made and stay; else a temporary folder."),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="File for the JSON result.")] = None,
) -> None:
    """Measure searches of one index and of the same one in shards.

    Example: python -m benchmarks.shards --chunks 100000 --shards 2
    """
    held = tempfile.TemporaryDirectory() if folder is None else nullcontext(str(folder))
    with held as place, progress(2, "one index") as steps:
        root = Path(place) / "shards"
        results = {"one": _one(chunks, root, searches, exact=exact)}
        expected = results["one"].pop("ids")
        steps.done("shards")
        results["shards"] = _several(chunks, shards, root, searches, expected, exact=exact)
        steps.done("done")
    console = make_console()
    console.print(_table(results, shards))
    if output is not None:
        configuration = {"chunks": chunks, "shards": shards, "searches": searches, "exact": exact}
        write_result(output, result_of(configuration=configuration, results=results))


def _one(chunks: int, root: Path, searches: int, *, exact: bool) -> dict[str, Any]:
    with _process() as pool:
        size = pool.submit(open_party, chunks, Deal(1, 1), root, exact=exact).result()
        found, cost = pool.submit(ask_party, "whole", _SEED, searches).result()
    return {"size": [size], "search": _summary(cost), "ids": found}


def _several(
    chunks: int,
    shards: int,
    root: Path,
    searches: int,
    expected: Sequence[Sequence[str]],
    *,
    exact: bool,
) -> dict[str, Any]:
    deals = [Deal(shard, shards) for shard in range(1, shards + 1)]
    with ExitStack() as stack:
        pools = [stack.enter_context(_process()) for _ in deals]
        sizes = [
            pool.submit(open_party, chunks, deal, root, exact=exact).result()
            for pool, deal in zip(pools, deals, strict=True)
        ]
        counted = [pool.submit(ask_party, "count", _SEED, searches).result() for pool in pools]
        counts = [
            sum_counts(of_one) for of_one in zip(*(found for found, _ in counted), strict=True)
        ]
        given = [pool.submit(ask_party, "candidates", _SEED, counts).result() for pool in pools]
    merging = Cost([], [])
    same = 0
    for place, parts in enumerate(zip(*(found for found, _ in given), strict=True)):
        begun_s = time.process_time()
        merged = merge(parts, top_k=TOP_K, how=HOW, reach=REACH)
        merging.cpu_ms.append((time.process_time() - begun_s) * 1e3)
        same += [hit.chunk.id for hit in merged.hits] == list(expected[place])
    return {
        "size": sizes,
        "count words": [_summary(cost) for _, cost in counted],
        "search": [_summary(cost) for _, cost in given],
        "merge": _summary(merging),
        "same_ratio": round(same / searches, 3),
    }


def _process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))


def _summary(cost: Cost) -> dict[str, float]:
    p50, p95 = np.percentile(cost.cpu_ms[_WARMUP_SEARCHES // 2 :], [50, 95])
    found = {"cpu_p50_ms": round(float(p50), 2), "cpu_p95_ms": round(float(p95), 2)}
    if cost.answer_bytes:
        found["answer_kb"] = round(float(np.mean(cost.answer_bytes)) / 1e3, 1)
    return found


def _table(results: dict[str, Any], shards: int) -> Table:
    dealt = results["shards"]
    title = f"The same chunks in the same order: {dealt['same_ratio']:.1%} of searches"
    table = Table(title=title, title_justify="left")
    for name in ("part", "CPU p50 / p95 ms", "answer kB", "chunks", "private MB"):
        table.add_column(name)
    rows = [("one index", results["one"]["search"], results["one"]["size"][0])]
    for shard in range(shards):
        rows.append((f"shard {shard + 1}: words", dealt["count words"][shard], {}))
        rows.append((f"shard {shard + 1}: search", dealt["search"][shard], dealt["size"][shard]))
    rows.append(("merge", dealt["merge"], {}))
    for name, found, size in rows:
        table.add_row(
            name,
            f"{found['cpu_p50_ms']:g} / {found['cpu_p95_ms']:g}",
            f"{found.get('answer_kb', ''):}",
            f"{size.get('chunks', '')}",
            f"{size.get('private_mb', '')}",
        )
    return table


if __name__ == "__main__":
    typer.run(main)
