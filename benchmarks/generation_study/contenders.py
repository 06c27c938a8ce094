"""The two that are compared: vLLM's own server, and ours with the same engine."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from benchmarks.generation_study.processes import cpu_by_role, family
from benchmarks.generation_study.serve_config import serve_config, vllm_application
from benchmarks.generation_study.stack import GenerationStack
from benchmarks.peers.process import Server, free_port
from benchmarks.peers.vllm_server import ready_url, server_command, server_environment

_START_TIMEOUT_S = 300.0


class Contender(Protocol):
    """A server that generates, and rests while others are measured."""

    name: str
    url: str

    def freeze(self) -> None:
        """Takes the processor away from it."""
        ...

    def thaw(self) -> None:
        """Gives it back."""
        ...

    def cpu_s(self) -> dict[str, float]:
        """Returns the processor time so far, by role."""
        ...


@dataclass(frozen=True, slots=True)
class Model:
    """What both of them serve: a folder, the name in requests, and arguments for vLLM."""

    folder: Path
    name: str
    engine_args: Mapping[str, Any]


class BareServer:
    """vLLM's own server.

    Args:
        server: Its process, running.
        url: Where it listens.
    """

    name = "bare"

    def __init__(self, server: Server, url: str) -> None:
        self._server = server
        self.url = url

    def freeze(self) -> None:
        """See `Contender`."""
        self._server.freeze()

    def thaw(self) -> None:
        """See `Contender`."""
        self._server.thaw()

    def cpu_s(self) -> dict[str, float]:
        """See `Contender`; `server` is the process that speaks HTTP."""
        roles = {"engine": "EngineCore", "server": "vllm.entrypoints"}
        return cpu_by_role(family(self._server.pid), roles)


class OurService:
    """Our service.

    Args:
        stack: Running.
        application: Of the generator that is asked.
    """

    name = "ragserve"

    def __init__(self, stack: GenerationStack, application: str) -> None:
        self._stack = stack
        self._application = application
        self.url = stack.url

    def freeze(self) -> None:
        """See `Contender`."""
        self._stack.freeze()

    def thaw(self) -> None:
        """See `Contender`."""
        self._stack.thaw()

    def cpu_s(self) -> dict[str, float]:
        """See `Contender`; `others` is Ray, and what of the graph does not take part."""
        return self._stack.cpu_s(self._application)


@contextmanager
def bare_server(model: Model, *, log_file: Path) -> Iterator[BareServer]:
    """Gives vLLM's own server, ready.

    Raises:
        ServerFailed: it did not start.
    """
    port = free_port()
    folder = str(model.folder)
    with tempfile.TemporaryDirectory(prefix="vllm-", ignore_cleanup_errors=True) as sockets:
        server = Server(
            BareServer.name,
            server_command(folder, model.engine_args, name=model.name, port=port),
            log_file=log_file,
            environment=server_environment(folder, model.engine_args, sockets=sockets),
        )
        with server:
            server.wait_ready(ready_url(port), timeout_s=_START_TIMEOUT_S)
            yield BareServer(server, f"http://127.0.0.1:{port}")


@contextmanager
def our_service(model: Model, *, folder: Path) -> Iterator[OurService]:
    """Gives our service with the same engine, ready.

    Raises:
        ServerFailed: it did not start.
    """
    application = vllm_application(
        model.name, model=str(model.folder), engine_args=model.engine_args
    )
    with GenerationStack(folder, serve_config([application])) as stack:
        yield OurService(stack, model.name)


def start(stack: ExitStack, name: str, model: Model, folder: Path) -> Contender:
    """Returns one of the two by its name, ready; the stack stops it.

    Raises:
        ServerFailed: it did not start.
    """
    if name == BareServer.name:
        return stack.enter_context(bare_server(model, log_file=folder / "bare.log"))
    return stack.enter_context(our_service(model, folder=folder / "stack"))
