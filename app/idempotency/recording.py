"""An answer as it comes, for any number of readers, each of which begins at its start."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Literal

from starlette.types import Message

Ended = Literal["", "whole", "broken"]


class Recording:
    """What an application sends, kept as long as somebody may read it.

    Attributes:
        start: The message that begins the answer; None before it.
        pieces: Parts of the body.
        ended: Whether it is whole, or broke off; empty while it goes on.
        settled: Set once it is kept, or its key is free again.
    """

    def __init__(self) -> None:
        self.start: Message | None = None
        self.pieces: list[bytes] = []
        self.ended: Ended = ""
        self.settled = asyncio.Event()
        self._changed = asyncio.Event()

    def begin(self, start: Message) -> None:
        """Takes the message that begins the answer."""
        self.start = start
        self._tell()

    def add(self, pieces: Sequence[bytes]) -> None:
        """Takes parts of the body."""
        self.pieces += pieces
        self._tell()

    def end(self, ended: Ended) -> None:
        """Takes note that no more comes; what was said first counts."""
        self.ended = self.ended or ended
        self._tell()

    async def send(self, message: Message) -> None:
        """Takes a message as the application sends it."""
        if message["type"] == "http.response.start":
            self.begin({**message, "headers": list(message.get("headers", ()))})
        elif message["type"] == "http.response.body":
            if content := message.get("body", b""):
                self.add([bytes(content)])
            if not message.get("more_body", False):
                self.end("whole")

    async def messages(self) -> AsyncIterator[Message]:
        """Yields the answer from its start on, as it comes; ends without the last message where it
        breaks off."""
        place, begun = 0, False
        while True:
            changed = self._changed
            if self.start is not None and not begun:
                begun = True
                yield {**self.start, "headers": list(self.start["headers"])}
            while place < len(self.pieces):
                place += 1
                yield {
                    "type": "http.response.body",
                    "body": self.pieces[place - 1],
                    "more_body": True,
                }
            if self.ended == "whole":
                yield {"type": "http.response.body", "body": b"", "more_body": False}
            if self.ended:
                return
            await changed.wait()

    async def wait(self, timeout_s: float) -> None:
        """Returns when something has come, or after a time."""
        changed = self._changed
        try:
            async with asyncio.timeout(timeout_s):
                await changed.wait()
        except TimeoutError:
            pass

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
