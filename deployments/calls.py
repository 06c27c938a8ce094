"""One call over a Ray handle: its deadline, and the one place where Ray's errors become ours.

Ray wraps what a replica raises into a class that derives from its own error and from ours, whose
text is a remote traceback. Nothing above this module ever sees that.
"""

import asyncio
from collections.abc import Awaitable
from typing import Any

import grpc
from ray.exceptions import RayActorError, RayError, RayTaskError, TaskCancelledError
from ray.serve.exceptions import (
    BackPressureError,
    DeploymentUnavailableError,
    RayServeException,
    RequestCancelledError,
)

from deployments.errors import DeadlineExceeded, Overloaded, RagError, StageFailed, Unavailable

_RETRY_AFTER_S = 1.0


async def call_stage(response: Awaitable[Any], *, stage: str, timeout_s: float) -> Any:
    """Awaits a handle's response within the time left and returns its value.

    Raises:
        RagError: what the stage raised, or Overloaded, Unavailable, DeadlineExceeded, StageFailed.
    """
    if timeout_s <= 0:
        raise DeadlineExceeded(f"The request's time was up before the {stage} was asked.", stage)
    try:
        async with asyncio.timeout(timeout_s):
            return await response
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            _cancel(response)
            raise
        # Nobody cancelled this request: the replica that worked on it went away.
        raise Unavailable(f"The {stage} was stopped.", stage, _RETRY_AFTER_S) from None
    except (RayError, RayServeException, grpc.RpcError) as error:
        # Before TimeoutError: what Ray wraps is also an instance of what it wraps.
        raise translate(error, stage=stage) from error
    except TimeoutError as error:
        _cancel(response)
        raise DeadlineExceeded(f"The {stage} did not answer in time.", stage) from error


def _cancel(response: Awaitable[Any]) -> None:
    cancel = getattr(response, "cancel", None)
    if cancel is not None:
        cancel()


def translate(error: BaseException, *, stage: str) -> RagError:
    """Returns our error for one that Ray raised."""
    if isinstance(error, RayTaskError):
        cause = error.cause
        if isinstance(cause, RagError):
            return cause
        if isinstance(cause, RayError | RayServeException) and cause is not error:
            return translate(cause, stage=stage)
        return StageFailed(f"The {stage} failed.", stage)
    if isinstance(error, RagError):
        return error
    if isinstance(error, BackPressureError):
        return Overloaded(
            f"The {stage} has a full queue; retry shortly.",
            stage,
            error.retry_after_s or _RETRY_AFTER_S,
        )
    if isinstance(
        error,
        RayActorError
        | DeploymentUnavailableError
        | RequestCancelledError
        | TaskCancelledError
        | RayServeException
        | grpc.RpcError,
    ):
        return Unavailable(f"The {stage} is not there at the moment.", stage, _RETRY_AFTER_S)
    return StageFailed(f"The {stage} failed.", stage)
