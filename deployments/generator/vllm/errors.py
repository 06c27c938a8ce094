"""The border between vLLM's exceptions and ours: none of theirs leaves it."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

from deployments.contracts.errors import (
    InvalidRequest,
    Overloaded,
    RagError,
    StageFailed,
    Unavailable,
)

_log = logging.getLogger("ray.serve")
_STAGE = "generator"
_SOURCE_LINE = re.compile(r"\[[\d:]+\] \S+:\d+: ")
"""How messages of compiled code begin: time, path and line of its source."""
_REASON_CHARS = 300


@contextmanager
def translated() -> Iterator[None]:
    """Raises one of our errors in place of whatever vLLM raised.

    What a caller cannot be told stands in the log.
    """
    try:
        yield
    except RagError:
        raise
    except Exception as error:
        raise translate(error) from error


def translate(error: Exception) -> RagError:
    """Returns what the caller is told."""
    from vllm.exceptions import GracefulHTTPError, VLLMClientError
    from vllm.v1.engine.exceptions import EngineDeadError, EngineGenerateError

    if isinstance(error, EngineGenerateError) and isinstance(error.__cause__, Exception):
        return translate(error.__cause__)
    if isinstance(error, EngineDeadError):
        return Unavailable("The engine has died; a new one is started.", _STAGE)
    if isinstance(error, GracefulHTTPError):
        return Overloaded("The engine's queue is full.", _STAGE, retry_after_s=1.0)
    if isinstance(error, VLLMClientError):
        return InvalidRequest(f"The model refuses this request: {reason_of(error)}", _STAGE)
    if isinstance(error, (ValueError, OverflowError)):
        _log.warning("vLLM refused a request", exc_info=error)
        return InvalidRequest("The model cannot honour the fields of this request.", _STAGE)
    _log.error("vLLM failed", exc_info=error)
    return StageFailed("The engine failed at this request.", _STAGE)


def reason_of(error: Exception) -> str:
    """Returns the message on one line, without traces of where it was written."""
    text = str(error.args[0]) if error.args else ""
    return " ".join(_SOURCE_LINE.sub("", text).split())[:_REASON_CHARS] or type(error).__name__
