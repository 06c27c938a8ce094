"""What a call over a Ray handle can end with, and what we call it."""

import asyncio
import pickle
import re
import warnings
from collections.abc import Generator
from typing import Any

import grpc
import pytest

from deployments.contracts.errors import (
    DeadlineExceeded,
    InvalidRequest,
    NotFound,
    Overloaded,
    RagError,
    StageFailed,
    Unavailable,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of Ray's own, when it is imported
    from ray.exceptions import (
        ActorDiedError,
        ActorUnavailableError,
        RayActorError,
        RayError,
        RayTaskError,
        TaskCancelledError,
        WorkerCrashedError,
    )
    from ray.serve._private.common import DeploymentID
    from ray.serve.exceptions import (
        BackPressureError,
        DeploymentUnavailableError,
        RayServeException,
        RequestCancelledError,
    )

    from deployments.serving.calls import call_stage, translate

TRACEBACK = (
    'Traceback (most recent call last):\n  File "/srv/app/secret.py", line 3, in f\nKeyError'
)
NOT_THERE = [
    ActorDiedError(),
    ActorUnavailableError("gone: /tmp/ray/session/log", None),
    RayActorError(error_msg=TRACEBACK),
    DeploymentUnavailableError(DeploymentID(name="Embedder", app_name="retrieval")),
    RequestCancelledError("request"),
    TaskCancelledError(error_message=TRACEBACK),
    RayServeException(TRACEBACK),
    grpc.RpcError(TRACEBACK),
    grpc.aio.AioRpcError(
        grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata(), details=TRACEBACK
    ),
]


def task_error(cause: BaseException) -> RayTaskError:
    return RayTaskError("embed", TRACEBACK, cause, proctitle="ray", pid=1, ip="127.0.0.1")


class Response:
    """A handle's response: gives a value, raises, or never comes."""

    def __init__(
        self, value: object = None, *, failure: BaseException | None = None, never: bool = False
    ) -> None:
        self._value = value
        self._failure = failure
        self._never = never
        self.cancelled = False

    def __await__(self) -> Generator[Any, None, object]:
        yield from asyncio.sleep(0).__await__()
        if self._never:
            yield from asyncio.Event().wait().__await__()
        if self._failure is not None:
            raise self._failure
        return self._value

    def cancel(self) -> None:
        self.cancelled = True


async def call(response: Response, *, timeout_s: float = 5.0) -> object:
    return await call_stage(response, stage="embedder", timeout_s=timeout_s)


async def failure_of(error: BaseException) -> RagError:
    with pytest.raises(RagError) as caught:
        await call(Response(failure=error))
    return caught.value


def assert_reveals_nothing(failure: RagError) -> None:
    told = f"{failure} {failure.args}"
    assert not re.search(r"Traceback|File|secret|KeyError|/\w", told), told
    assert failure.message.endswith(".")


async def test_a_value_comes_back_as_it_is() -> None:
    assert await call(Response("value")) == "value"


@pytest.mark.parametrize("dual", [False, True], ids=["plain", "instance-of-cause"])
@pytest.mark.parametrize(
    "cause",
    [
        NotFound("There is no document 'a'.", "retriever"),
        Overloaded("Full.", "embedder", 3.5),
        InvalidRequest("Wrong.", errors=({"field": "x"},)),
        DeadlineExceeded("Late.", "embedder"),
        StageFailed("Broken.", "embedder"),
    ],
    ids=lambda cause: type(cause).__name__,
)
async def test_our_own_failure_arrives_as_it_left(cause: RagError, dual: bool) -> None:
    wrapped = task_error(pickle.loads(pickle.dumps(cause)))
    failure = await failure_of(wrapped.as_instanceof_cause() if dual else wrapped)
    assert type(failure) is type(cause)
    assert failure.args == cause.args
    assert_reveals_nothing(failure)


@pytest.mark.parametrize("dual", [False, True], ids=["plain", "instance-of-cause"])
@pytest.mark.parametrize(
    "cause",
    [KeyError("/srv/secret"), ValueError(TRACEBACK), TimeoutError("/srv/secret"), MemoryError()],
    ids=lambda cause: type(cause).__name__,
)
async def test_a_bug_of_the_stage_is_a_failure_without_its_text(
    cause: Exception, dual: bool
) -> None:
    wrapped = task_error(cause)
    failure = await failure_of(wrapped.as_instanceof_cause() if dual else wrapped)
    assert type(failure) is StageFailed
    assert failure.stage == "embedder"
    assert failure.__cause__ is not None
    assert_reveals_nothing(failure)


@pytest.mark.parametrize(("told_s", "retry_after_s"), [(None, 1.0), (7.0, 7.0)])
@pytest.mark.parametrize("wrapped", [False, True], ids=["at-the-handle", "at-the-replica"])
async def test_a_full_queue_is_overloaded(
    told_s: float | None, retry_after_s: float, wrapped: bool
) -> None:
    error = BackPressureError(9, 8, retry_after_s=told_s)
    failure = await failure_of(task_error(error).as_instanceof_cause() if wrapped else error)
    assert type(failure) is Overloaded
    assert failure.retry_after_s == retry_after_s
    assert_reveals_nothing(failure)


@pytest.mark.parametrize("error", NOT_THERE, ids=lambda error: type(error).__name__)
async def test_a_stage_that_went_away_is_unavailable(error: Exception) -> None:
    failure = await failure_of(error)
    assert type(failure) is Unavailable
    assert failure.stage == "embedder"
    assert failure.retry_after_s == 1.0
    assert_reveals_nothing(failure)


@pytest.mark.parametrize(
    "cause",
    [ActorDiedError(), RequestCancelledError("request")],
    ids=lambda one: type(one).__name__,
)
def test_a_stage_behind_the_stage_that_went_away_is_unavailable_too(cause: Exception) -> None:
    assert type(translate(task_error(cause), stage="indexer")) is Unavailable


@pytest.mark.parametrize(
    "error", [RayError(TRACEBACK), WorkerCrashedError()], ids=lambda one: type(one).__name__
)
async def test_anything_else_of_ray_is_a_failure(error: Exception) -> None:
    failure = await failure_of(error)
    assert type(failure) is StageFailed
    assert_reveals_nothing(failure)


async def test_a_failure_of_ours_passes_untouched() -> None:
    cause = Overloaded("Full.", "embedder", 3.5)
    assert await failure_of(cause) is cause
    assert translate(cause, stage="other") is cause


async def test_time_that_is_up_cancels_the_work() -> None:
    response = Response(never=True)
    with pytest.raises(DeadlineExceeded) as caught:
        await call(response, timeout_s=0.01)
    assert response.cancelled
    assert caught.value.stage == "embedder"
    assert_reveals_nothing(caught.value)


@pytest.mark.parametrize("timeout_s", [0.0, -3.0])
async def test_no_time_left_asks_nobody(timeout_s: float) -> None:
    with pytest.raises(DeadlineExceeded):
        await call(Response(failure=AssertionError("was awaited")), timeout_s=timeout_s)


async def test_an_awaitable_that_cannot_be_cancelled_is_left_alone() -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    with pytest.raises(DeadlineExceeded):
        await call_stage(never(), stage="embedder", timeout_s=0.01)


async def test_a_caller_who_leaves_is_not_held_back() -> None:
    response = Response(never=True)
    task = asyncio.create_task(call(response))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert response.cancelled


async def test_work_that_was_cancelled_elsewhere_is_unavailable() -> None:
    failure = await failure_of(asyncio.CancelledError())
    assert type(failure) is Unavailable
    assert_reveals_nothing(failure)
