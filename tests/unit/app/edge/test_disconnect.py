"""Work ends with its answer, or when nobody waits for it any more."""

import asyncio
from typing import Any

import pytest

from app.edge.disconnect import DisconnectWatch


class Connection:
    """A client that sends one body, and leaves when it is told to."""

    def __init__(self) -> None:
        self.body_read = False
        self.leaves = asyncio.Event()
        self.sent: list[Any] = []

    async def receive(self) -> dict[str, Any]:
        if not self.body_read:
            self.body_read = True
            return {"type": "http.request", "body": b"{}", "more_body": False}
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)
        if not message.get("more_body", False):
            self.leaves.set()  # as a server says it once it has the whole answer


class Application:
    """Reads the body, works until it may answer, answers."""

    def __init__(self, watch: DisconnectWatch) -> None:
        self.watch = watch
        self.may_answer = asyncio.Event()
        self.working = asyncio.Event()
        self.ended = ""

    async def __call__(self) -> None:
        self.ended = "cancelled"
        await self.watch.receive()
        self.working.set()
        await self.may_answer.wait()
        await self.watch.send({"type": "http.response.body", "body": b"answer"})
        await asyncio.sleep(0.01)
        self.ended = "whole"


@pytest.fixture
async def connection() -> Connection:
    return Connection()


@pytest.fixture
async def application(connection: Connection) -> Application:
    return Application(DisconnectWatch(connection.receive, connection.send))


async def test_the_answer_is_the_end(connection: Connection, application: Application) -> None:
    application.may_answer.set()
    await application.watch.run(application())
    assert application.ended == "whole"
    assert len(connection.sent) == 1
    assert not application.watch.left


async def test_a_client_that_leaves_stops_the_work(
    connection: Connection, application: Application
) -> None:
    running = asyncio.create_task(application.watch.run(application()))
    await application.working.wait()
    connection.leaves.set()
    async with asyncio.timeout(1):
        await running
    assert application.ended == "cancelled"
    assert application.watch.left
    assert connection.sent == []


async def test_who_asks_is_told_that_the_client_left(
    connection: Connection, application: Application
) -> None:
    await application.watch.receive()
    connection.leaves.set()
    assert (await application.watch.receive())["type"] == "http.disconnect"


async def test_a_server_that_stops_the_request_stops_the_work(application: Application) -> None:
    running = asyncio.create_task(application.watch.run(application()))
    await application.working.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert application.ended == "cancelled"


async def test_a_failure_of_the_work_is_raised(application: Application) -> None:
    async def fail() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await application.watch.run(fail())
