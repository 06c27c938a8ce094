"""A request's body, read before the request counts as running: bounded in bytes, whether its length
was told or must be counted, and in time, so that a client that stalls holds nothing but its own
connection."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.types import Message, Receive

from app.edge.limit import too_many_requests
from deployments.contracts.errors import BodyTimedOut, RequestTooLarge


class ClientLeft(Exception):
    """The client went away in the middle of its body."""


@dataclass(frozen=True, slots=True)
class BodyBounds:
    """What one body may be.

    Attributes:
        max_bytes: Its size.
        patience_s: Time in which it need not come at any rate.
        min_bytes_per_s: Rate at which it must have come after that, on average.
    """

    max_bytes: int
    patience_s: float
    min_bytes_per_s: float


class BodyBudget:
    """The bytes of all bodies that one process holds.

    Args:
        max_bytes: The bound.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self.held_bytes = 0

    def take(self, count: int) -> None:
        """Counts bytes as held, or raises Overloaded where there is no room."""
        if self.held_bytes + count > self._max_bytes:
            raise too_many_requests()
        self.held_bytes += count


class RequestBody:
    """A body that is read whole, and then given to the application as it came.

    Args:
        receive: Where it comes from.
        bounds: What it may be.
        budget: What all bodies together may be.
        now: Clock in seconds; monotonic.
    """

    def __init__(
        self,
        receive: Receive,
        bounds: BodyBounds,
        budget: BodyBudget,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._receive = receive
        self._bounds = bounds
        self._budget = budget
        self._now = now
        self._messages: deque[Message] = deque()
        self._received_bytes = 0

    def check_told_length(self, told: str) -> None:
        """Raises RequestTooLarge before a byte is read, if the client said how much will come."""
        if told.isascii() and told.isdigit() and int(told[:18]) > self._bounds.max_bytes:
            raise self._too_large()

    async def read(self) -> None:
        """Reads to the end.

        Raises:
            RequestTooLarge, BodyTimedOut, Overloaded, ClientLeft.
        """
        started_s = self._now()
        more = True
        while more:
            due_s = started_s + self._bounds.patience_s
            due_s += self._received_bytes / self._bounds.min_bytes_per_s
            try:
                async with asyncio.timeout(due_s - self._now()):
                    message = await self._receive()
            except TimeoutError as error:
                raise BodyTimedOut("The body did not come in time.") from error
            if message["type"] == "http.disconnect":
                raise ClientLeft
            self._add(message)
            more = message.get("more_body", False)

    async def receive(self) -> Message:
        """Returns the next message: those of the body, then what the server says after it."""
        if not self._messages:
            return await self._receive()
        await asyncio.sleep(0)  # a form is parsed piece by piece: others come in between
        return self._messages.popleft()

    def copy(self) -> list[Message]:
        """Returns the messages of the body, which must have been read and not given yet."""
        return list(self._messages)

    def release(self) -> None:
        """Gives its bytes back to the budget."""
        self._budget.held_bytes -= self._received_bytes
        self._received_bytes = 0
        self._messages.clear()

    def _add(self, message: Message) -> None:
        count = len(message.get("body", b""))
        if self._received_bytes + count > self._bounds.max_bytes:
            raise self._too_large()
        self._budget.take(count)
        self._received_bytes += count
        self._messages.append(message)

    def _too_large(self) -> RequestTooLarge:
        return RequestTooLarge(f"The body is over the bound of {self._bounds.max_bytes} bytes.")


def replay(messages: Sequence[Message]) -> Receive:
    """Returns what gives a body again, to work whose client may be gone: nobody leaves it."""
    waiting = deque(messages)

    async def receive() -> Message:
        await asyncio.sleep(0)
        if waiting:
            return waiting.popleft()
        await asyncio.Event().wait()
        raise AssertionError

    return receive
