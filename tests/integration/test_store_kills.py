"""Processes that write one document at the same time over one Chroma server, and are killed."""

import multiprocessing
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.peers.process import Server, free_port
from deployments.contracts.documents import chunk_id
from deployments.retriever.chroma.connection import Chroma
from deployments.retriever.config import StoreArgs
from tests.store_replicas import JOBS, Replica, check

_TRIALS = 5
"""Of each kind; 200 were, when the test was written."""

_WRITE_S = 0.4
"""About what a write takes from the start of its process."""


@pytest.fixture(scope="module")
def chroma_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder, port = tmp_path_factory.mktemp("chroma"), free_port()
    command = [
        str(Path(sys.executable).with_name("chroma")),
        *("run", "--path", str(folder), "--host", "127.0.0.1", "--port", str(port)),
    ]
    with Server("chroma", command, log_file=folder / "server.log") as server:
        url = f"http://127.0.0.1:{port}"
        server.wait_ready(f"{url}/api/v2/heartbeat", timeout_s=60)
        yield url


def run_job(args: StoreArgs, name: str) -> None:
    """What a process does; returning means that it was acknowledged."""
    JOBS[name](Replica(Chroma(args)))


@pytest.mark.parametrize("names", [("amber", "cobalt"), ("amber", "delete")], ids="-".join)
@pytest.mark.parametrize("kills", [0, 1, 2])
def test_processes_that_are_killed_leave_one_text(
    chroma_url: str, names: tuple[str, str], kills: int
) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["chromadb", __name__])
    args = StoreArgs(url=chroma_url, collection=f"kills-{'-'.join(names)}-{kills}")
    chroma, other = Chroma(args), Chroma(args)
    replicas = [Replica(chroma), Replica(other)]
    chance = random.Random(f"{names} {kills}")
    cut_off = 0
    for _ in range(_TRIALS):
        replicas[0].write("old")
        processes = [context.Process(target=run_job, args=(args, name)) for name in names]
        for process in processes:
            process.start()
        begun_s = time.monotonic()
        for process in processes[:kills]:
            time.sleep(max(0.0, begun_s + chance.uniform(0.0, _WRITE_S) - time.monotonic()))
            process.kill()
        for process in processes:
            process.join(60)
        assert all(process.exitcode in (0, -9) for process in processes)
        cut_off += sum(process.exitcode == -9 for process in processes)
        # What only deleted text has left is for the next write; `check` makes one.
        acknowledged = names if kills == 0 else ()
        check(replicas, chroma, acknowledged=acknowledged)
    assert cut_off > 0 or kills == 0
    assert list(replicas[0].store.texts([chunk_id("d", 0), chunk_id("d", 1)])) == [chunk_id("d", 0)]
    chroma.close()
    other.close()
