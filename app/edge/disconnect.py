"""Stops the work for a client that has gone away.

A server tells an application that its client left only when the application asks. A route that
computes does not ask, so an engine would write a whole answer for nobody.
"""

import asyncio
from collections.abc import Awaitable

from starlette.types import Message, Receive, Send


class DisconnectWatch:
    """The two ends of a connection, watched while a request is worked on.

    Args:
        receive: What the server gave.
        send: What the server gave.
    """

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._watch: asyncio.Task[Message] | None = None
        self._work: asyncio.Future[None] | None = None
        self._answered = False
        self.left = False

    async def receive(self) -> Message:
        """Returns the next message; after the body, the one that says that the client left."""
        if self._watch is not None:
            return await asyncio.shield(self._watch)
        message = await self._receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            self._watch = asyncio.create_task(self._wait_for_the_end())
        return message

    async def send(self, message: Message) -> None:
        """Passes a message on, and takes note of the last one."""
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self._answered = True
        await self._send(message)

    async def run(self, work: Awaitable[None]) -> None:
        """Runs the work, which reads and answers through this object, to its end or to the moment
        at which the client leaves."""
        self._work = asyncio.ensure_future(work)
        try:
            await asyncio.wait([self._work])
            if not self.left:
                self._work.result()
        finally:
            if self._watch is not None:
                self._watch.cancel()
            if not self._work.done():  # the server stops this request
                self._work.cancel()
                await asyncio.wait([self._work])

    async def _wait_for_the_end(self) -> Message:
        message = await self._receive()
        while message["type"] != "http.disconnect":
            message = await self._receive()
        # A server says the same once it has the whole answer.
        if not self._answered and self._work is not None:
            self.left = True
            self._work.cancel()
        return message
