"""A body that is read before its request counts as running."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from app.edge.body_limit import BodyBounds, BodyBudget, ClientLeft, RequestBody
from deployments.contracts.errors import BodyTimedOut, Overloaded, RequestTooLarge

BOUNDS = BodyBounds(max_bytes=100, patience_s=0.05, min_bytes_per_s=1000.0)


class Server:
    """Gives messages, each after a while; then it is silent."""

    def __init__(self, *messages: tuple[float, dict[str, Any]]) -> None:
        self.messages = list(messages)

    async def receive(self) -> dict[str, Any]:
        if not self.messages:
            await asyncio.Event().wait()
        after_s, message = self.messages.pop(0)
        await asyncio.sleep(after_s)
        return message


def piece(size: int, *, more: bool) -> dict[str, Any]:
    return {"type": "http.request", "body": b"x" * size, "more_body": more}


def body(*messages: tuple[float, dict[str, Any]], budget: BodyBudget | None = None) -> RequestBody:
    return RequestBody(Server(*messages).receive, BOUNDS, budget or BodyBudget(1000))


async def test_it_gives_back_what_came() -> None:
    messages: Sequence[dict[str, Any]] = [piece(10, more=True), piece(5, more=False)]
    read = body(*((0.0, message) for message in messages), (0.0, {"type": "http.disconnect"}))
    await read.read()
    assert [await read.receive() for _ in range(3)] == [*messages, {"type": "http.disconnect"}]


async def test_one_that_stalls_ends() -> None:
    read = body((0.0, piece(10, more=True)))
    started_s = asyncio.get_running_loop().time()
    with pytest.raises(BodyTimedOut):
        await read.read()
    assert asyncio.get_running_loop().time() - started_s < 1.0


async def test_one_that_trickles_ends_although_something_always_comes() -> None:
    read = body(*[(0.02, piece(1, more=True))] * 50)
    with pytest.raises(BodyTimedOut):
        await read.read()


async def test_one_that_is_slow_but_comes_has_its_time() -> None:
    read = body(*[(0.02, piece(30, more=True))] * 3, (0.02, piece(5, more=False)))
    await read.read()


async def test_one_that_is_too_long_ends_where_it_is() -> None:
    with pytest.raises(RequestTooLarge):
        await body((0.0, piece(60, more=True)), (0.0, piece(60, more=True))).read()


@pytest.mark.parametrize(("told", "ok"), [("100", True), ("101", False), ("", True), ("-1", True)])
def test_a_length_that_is_told_is_believed(told: str, ok: bool) -> None:
    read = body()
    if ok:
        read.check_told_length(told)
    else:
        with pytest.raises(RequestTooLarge):
            read.check_told_length(told)


async def test_a_client_that_leaves_in_its_body_has_left() -> None:
    with pytest.raises(ClientLeft):
        await body((0.0, piece(10, more=True)), (0.0, {"type": "http.disconnect"})).read()


async def test_all_bodies_together_are_bounded() -> None:
    budget = BodyBudget(100)
    first = body((0.0, piece(80, more=False)), budget=budget)
    await first.read()
    second = body((0.0, piece(30, more=False)), budget=budget)
    with pytest.raises(Overloaded):
        await second.read()
    second.release()
    first.release()
    assert budget.held_bytes == 0
