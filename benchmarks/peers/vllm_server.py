"""vLLM's own OpenAI server, with the environment and the arguments that our engine gives to vLLM:
what is left between the two is the way from the client to the engine.
"""

import json
import sys
from collections.abc import Mapping

from deployments.generator.vllm.settings import environment, is_cpu_build, with_cpu_defaults

_READY_PATH = "/health"


def server_command(
    model: str,
    engine_args: Mapping[str, object],
    *,
    name: str,
    port: int,
    cpu: bool | None = None,
) -> list[str]:
    """Returns what serves a model on a port of this machine.

    The module, because the command `vllm` of the CPU build does not start.

    Args:
        model: Folder or name of the model.
        engine_args: As in a generator's settings.
        name: What requests call it.
        port: Where it listens.
        cpu: Whether it runs on a CPU; None asks the installed vLLM.
    """
    on_cpu = is_cpu_build() if cpu is None else cpu
    chosen = with_cpu_defaults(engine_args) if on_cpu else engine_args
    return [
        *(sys.executable, "-m", "vllm.entrypoints.openai.api_server"),
        *("--host", "127.0.0.1", "--port", str(port)),
        *("--model", model, "--served-model-name", name),
        *(flag(argument, value) for argument, value in chosen.items()),
    ]


def server_environment(
    model: str, engine_args: Mapping[str, object], *, sockets: str, cpu: bool | None = None
) -> dict[str, str]:
    """Returns the variables that its process needs.

    Args:
        model: Folder or name of the model.
        engine_args: As in a generator's settings.
        sockets: Folder for its sockets, which it leaves behind. Short: a socket's path is limited
            to 107 bytes.
        cpu: As for `server_command`.
    """
    on_cpu = is_cpu_build() if cpu is None else cpu
    return environment(model, engine_args, cpu=on_cpu, sockets=sockets)


def flag(argument: str, value: object) -> str:
    """Returns an engine argument as vLLM's command line takes it, in one word: a value that begins
    with a minus would be taken for an option."""
    name = argument.replace("_", "-")
    if isinstance(value, bool):
        return f"--{name}" if value else f"--no-{name}"
    text = json.dumps(value) if isinstance(value, dict | list) else str(value)
    return f"--{name}={text}"


def ready_url(port: int) -> str:
    """Returns what answers 200 once the server is ready."""
    return f"http://127.0.0.1:{port}{_READY_PATH}"
