"""Calls to a deployment that has no replica fail within a second or so, and no others."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from deployments.contracts.errors import Unavailable
from deployments.serving import replicas
from deployments.serving.replicas import ReplicaWatch, has_replicas, is_taken


class Handle:
    """What `has_replicas` looks at of Serve's handle."""

    def __init__(self, *replicas: str) -> None:
        self.router = SimpleNamespace(curr_replicas=dict.fromkeys(replicas))
        self._router = SimpleNamespace(_asyncio_router=SimpleNamespace(request_router=self.router))


class Response:
    """A call; `taken` once a replica has it."""

    def __init__(self) -> None:
        self._replica_result_future: asyncio.Future[None] = asyncio.Future()
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replicas, "PATIENCE_S", 0.1)
    monkeypatch.setattr(replicas, "_LOOK_EVERY_S", 0.02)


async def sent(watch: ReplicaWatch, handle: Any, response: Response, within_s: float) -> None:
    with watch.over(handle, lambda: response):
        await asyncio.sleep(within_s)


async def test_a_call_that_no_replica_is_there_for_is_ended_and_the_next_one_is_not_sent() -> None:
    watch, handle, response = ReplicaWatch("embedder"), Handle(), Response()
    await sent(watch, handle, response, 0.3)
    assert response.cancelled
    with pytest.raises(Unavailable, match="embedder has no replica") as refused:
        await sent(watch, handle, Response(), 0.0)
    assert refused.value.retry_after_s == 2.0


async def test_a_replica_that_comes_in_time_answers() -> None:
    watch, handle, response = ReplicaWatch("embedder"), Handle(), Response()
    asyncio.get_running_loop().call_later(0.05, handle.router.curr_replicas.update, {"a": None})
    await sent(watch, handle, response, 0.3)
    assert not response.cancelled
    handle.router.curr_replicas.clear()
    await sent(watch, handle, response, 0.05)  # the time without one counts anew
    assert not response.cancelled


async def test_what_a_replica_has_taken_is_left_to_it() -> None:
    watch, handle, response = ReplicaWatch("embedder"), Handle("a"), Response()
    response._replica_result_future.set_result(None)
    asyncio.get_running_loop().call_soon(handle.router.curr_replicas.clear)
    await sent(watch, handle, response, 0.3)
    assert not response.cancelled


async def test_a_call_that_waits_when_the_last_replica_goes_is_ended() -> None:
    watch, handle, response = ReplicaWatch("embedder"), Handle("busy"), Response()
    asyncio.get_running_loop().call_later(0.05, handle.router.curr_replicas.clear)
    await sent(watch, handle, response, 0.3)
    assert response.cancelled


def test_what_cannot_be_told_is_no_reason_to_fail() -> None:
    assert has_replicas(object())
    assert is_taken(object())
    unasked = Handle()
    unasked._router._asyncio_router.request_router = None
    assert has_replicas(unasked)
