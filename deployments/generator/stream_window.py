"""Pieces of a stream that come soon after each other travel together.

A message between two processes costs more than a token does, so a fast engine's tokens are gathered
for a few milliseconds. The first piece never waits, and neither does one that comes after a pause.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import TypeVar

Piece = TypeVar("Piece")


async def gather_within(
    source: AsyncGenerator[Piece, None], window_s: float
) -> AsyncGenerator[list[Piece], None]:
    """Yields the pieces in order, at most once per window.

    Whoever closes it closes the source. What the source had yielded before it failed is yielded
    before its error is raised.

    Args:
        source: Is read as fast as it yields.
        window_s: Time between two yields at least; 0 passes on whatever is there.
    """
    loop = asyncio.get_running_loop()
    pieces: list[Piece] = []
    arrived = asyncio.Event()

    async def read() -> None:
        try:
            async for piece in source:
                pieces.append(piece)
                arrived.set()
        finally:
            arrived.set()

    reader = asyncio.create_task(read())
    next_s = loop.time()
    try:
        while True:
            await arrived.wait()
            left_s = next_s - loop.time()
            if left_s > 0 and not reader.done():
                await asyncio.wait([reader], timeout=left_s)
            arrived.clear()
            ended = reader.done()
            if pieces:
                gathered, pieces = pieces, []
                next_s = loop.time() + window_s
                yield gathered
            if ended:
                reader.result()
                return
    finally:
        reader.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await reader
        await source.aclose()
