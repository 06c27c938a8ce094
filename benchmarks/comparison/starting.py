"""Starts the peers of a comparison, and says when they are ready."""

import sys
from contextlib import ExitStack
from pathlib import Path

from benchmarks.comparison.contenders import HttpContender
from benchmarks.peers.chunks import ChunkSource
from benchmarks.peers.infinity import Engine, InfinityEnvironment, ready_url
from benchmarks.peers.process import Server, free_port

_START_TIMEOUT_S = 300.0
_REPOSITORY = Path(__file__).parents[2]


def start_naive(stack: ExitStack, log_folder: Path, source: ChunkSource | None) -> HttpContender:
    """Returns the naive peer, ready, with the chunks of the source; the stack stops it.

    Raises:
        ServerFailed: it did not start.
    """
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.peers.naive", "--port", str(port)]
    if source is not None:
        command += ["--chroma-url", source.url, "--collection", source.collection]
    server = Server(
        "naive",
        command,
        log_file=log_folder / "naive.log",
        environment={"PYTHONPATH": str(_REPOSITORY)},
    )
    url = f"http://127.0.0.1:{port}"
    stack.enter_context(server).wait_ready(f"{url}/health/ready", timeout_s=_START_TIMEOUT_S)
    return HttpContender("naive", url, server)


def start_infinity(
    stack: ExitStack, log_folder: Path, environment: InfinityEnvironment, engine: Engine, dtype: str
) -> HttpContender:
    """Returns infinity with one of its engines, ready; the stack stops it.

    Raises:
        ServerFailed: it did not start.
    """
    port = free_port()
    name = f"infinity {engine} {dtype}"
    server = Server(
        name,
        environment.command(engine=engine, dtype=dtype, port=port),
        log_file=log_folder / f"infinity-{engine}.log",
        environment=environment.variables(),
    )
    stack.enter_context(server).wait_ready(ready_url(port), timeout_s=_START_TIMEOUT_S)
    return HttpContender(name, f"http://127.0.0.1:{port}", server)
