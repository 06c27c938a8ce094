"""One call or one stream over a Ray handle: its deadline, and the one place where Ray's errors
become ours.

Ray wraps what a replica raises into a class that derives from its own error and from ours, whose
text is a remote traceback. Nothing above this module ever sees that.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from typing import Any

import grpc
from ray.exceptions import RayActorError, RayError, RayTaskError, TaskCancelledError
from ray.serve.exceptions import (
    BackPressureError,
    DeploymentUnavailableError,
    RayServeException,
    RequestCancelledError,
)

from deployments.contracts.errors import (
    DeadlineExceeded,
    Overloaded,
    RagError,
    StageFailed,
    Unavailable,
)

_RETRY_AFTER_S = 1.0


async def call_stage(response: Awaitable[Any], *, stage: str, timeout_s: float) -> Any:
    """Awaits a handle's response within the time left and returns its value.

    Raises:
        RagError: what the stage raised, or Overloaded, Unavailable, DeadlineExceeded, StageFailed.
    """
    _require_time(timeout_s, stage)
    return await _receive(response, response, stage=stage, timeout_s=timeout_s)


async def stream_stage(
    response: AsyncIterator[Any], *, stage: str, timeout_s: float, next_timeout_s: float
) -> AsyncGenerator[Any, None]:
    """Yields the items of a handle's streaming response; closing it cancels the call.

    Args:
        response: What `handle.options(stream=True)` returned.
        stage: Who is asked.
        timeout_s: Time until the end.
        next_timeout_s: Time between two items.

    Raises:
        RagError: as `call_stage`.
    """
    now_s = asyncio.get_running_loop().time
    deadline_s = now_s() + timeout_s
    _require_time(timeout_s, stage)
    patience_s = timeout_s
    try:
        while True:
            try:
                item = await _receive(anext(response), response, stage=stage, timeout_s=patience_s)
            except StopAsyncIteration:
                return
            yield item
            patience_s = min(next_timeout_s, deadline_s - now_s())
    finally:
        _cancel(response)  # of no effect on one that has ended


def _require_time(timeout_s: float, stage: str) -> None:
    if timeout_s <= 0:
        raise DeadlineExceeded(f"The request's time was up before the {stage} was asked.", stage)


async def _receive(
    awaited: Awaitable[Any], response: object, *, stage: str, timeout_s: float
) -> Any:
    """Returns what the response gives next, or raises ours for whatever happened instead."""
    try:
        async with asyncio.timeout(timeout_s):
            return await awaited
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


def _cancel(response: object) -> None:
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
