"""Batches of work, for the client that blocks and for the one that does not."""

import heapq
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

import httpx

from app.client.calls import WRITE_TIMEOUT_S, Call
from app.client.patience import PATIENCE_S, POLL_S, await_until, wait_until
from app.client.replies import not_ours, read_as, validated
from app.schemas.batches import BatchLine, BatchList, BatchObject

T = TypeVar("T")
PATH = "/v1/batches"
_PAGE = 100
Lines = Iterable[str | Mapping[str, Any]] | bytes
"""Questions, or requests in OpenAI's form, or JSONL as it is."""
OnBatch = Callable[[BatchObject], object]


def has_ended(batch: BatchObject) -> bool:
    """Returns whether nothing of a batch changes any more."""
    return batch.status not in ("in_progress", "finalizing", "cancelling")


class Batches:
    """What a `Client` does with batches.

    Args:
        send: Makes a call, and returns what came of it.
        stream: Makes a call, and yields the bytes of its answer.
    """

    def __init__(
        self,
        send: Callable[[Call[Any]], Any],
        stream: Callable[[Call[Any]], Iterator[bytes]],
    ) -> None:
        self._send = send
        self._stream = stream

    def create(
        self,
        lines: Lines,
        *,
        text: bool = False,
        endpoint: str | None = None,
        completion_window: str = "24h",
        name: str = "batch.jsonl",
    ) -> BatchObject:
        """Begins a batch, and returns it; where its form is wrong, its status is `failed`. The
        endpoint is by default that of the first line, and `/v1/query` of questions. `text` says
        that bytes are plain text, a question on each line."""
        batch: BatchObject = self._send(_create(lines, text, endpoint, completion_window, name))
        return batch

    def retrieve(self, batch_id: str) -> BatchObject:
        """Returns a batch as it is now."""
        batch: BatchObject = self._send(_get(batch_id))
        return batch

    def list(self) -> Iterator[BatchObject]:
        """Yields all batches of this caller, newest first."""
        after: str | None = None
        while True:
            page: BatchList = self._send(_list(after))
            yield from page.data
            after = page.last_id
            if not page.has_more:
                return

    def cancel(self, batch_id: str) -> BatchObject:
        """Has no further line begun; what was answered stays."""
        batch: BatchObject = self._send(_cancel(batch_id))
        return batch

    def wait(
        self,
        batch_id: str,
        *,
        on_progress: OnBatch = lambda batch: None,
        poll_s: float = POLL_S,
        patience_s: float = PATIENCE_S,
    ) -> BatchObject:
        """Returns a batch when it has ended, and tells how far it is until then; once the service
        has answered, it may be away for as long as `patience_s`."""
        return wait_until(
            lambda: self.retrieve(batch_id),
            has_ended,
            on_progress=on_progress,
            poll_s=poll_s,
            patience_s=patience_s,
        )

    def results(self, batch: BatchObject) -> Iterator[BatchLine]:
        """Yields what came of each line of a batch that has ended, in the order of the input:
        answers and problems."""
        files = [self._file(file) for file in (batch.output_file_id, batch.error_file_id) if file]
        yield from heapq.merge(*files, key=lambda line: line.place)

    def _file(self, file_id: str) -> Iterator[BatchLine]:
        splitter = _Splitter()
        for piece in self._stream(_content(file_id)):
            yield from splitter.lines(piece)


class AsyncBatches:
    """What an `AsyncClient` does with batches: `Batches` with `await`."""

    def __init__(
        self,
        send: Callable[[Call[Any]], Awaitable[Any]],
        stream: Callable[[Call[Any]], AsyncIterator[bytes]],
    ) -> None:
        self._send = send
        self._stream = stream

    async def create(
        self,
        lines: Lines,
        *,
        text: bool = False,
        endpoint: str | None = None,
        completion_window: str = "24h",
        name: str = "batch.jsonl",
    ) -> BatchObject:
        """Begins a batch, and returns it; where its form is wrong, its status is `failed`. The
        endpoint is by default that of the first line, and `/v1/query` of questions. `text` says
        that bytes are plain text, a question on each line."""
        batch: BatchObject = await self._send(
            _create(lines, text, endpoint, completion_window, name)
        )
        return batch

    async def retrieve(self, batch_id: str) -> BatchObject:
        """Returns a batch as it is now."""
        batch: BatchObject = await self._send(_get(batch_id))
        return batch

    async def list(self) -> AsyncIterator[BatchObject]:
        """Yields all batches of this caller, newest first."""
        after: str | None = None
        while True:
            page: BatchList = await self._send(_list(after))
            for batch in page.data:
                yield batch
            after = page.last_id
            if not page.has_more:
                return

    async def cancel(self, batch_id: str) -> BatchObject:
        """Has no further line begun; what was answered stays."""
        batch: BatchObject = await self._send(_cancel(batch_id))
        return batch

    async def wait(
        self,
        batch_id: str,
        *,
        on_progress: OnBatch = lambda batch: None,
        poll_s: float = POLL_S,
        patience_s: float = PATIENCE_S,
    ) -> BatchObject:
        """Returns a batch when it has ended, and tells how far it is until then; once the service
        has answered, it may be away for as long as `patience_s`."""
        return await await_until(
            lambda: self.retrieve(batch_id),
            has_ended,
            on_progress=on_progress,
            poll_s=poll_s,
            patience_s=patience_s,
        )

    async def results(self, batch: BatchObject) -> AsyncIterator[BatchLine]:
        """Yields what came of each line of a batch that has ended, in the order of the input:
        answers and problems."""
        waiting: list[tuple[int, int, BatchLine, AsyncIterator[BatchLine]]] = []
        for file_id in (batch.output_file_id, batch.error_file_id):
            if file_id:
                await _push(waiting, self._file(file_id))
        while waiting:
            _, _, line, rest = heapq.heappop(waiting)
            yield line
            await _push(waiting, rest)

    async def _file(self, file_id: str) -> AsyncIterator[BatchLine]:
        splitter = _Splitter()
        async for piece in self._stream(_content(file_id)):
            for line in splitter.lines(piece):
                yield line


async def _push(
    waiting: list[tuple[int, int, BatchLine, AsyncIterator[BatchLine]]],
    lines: AsyncIterator[BatchLine],
) -> None:
    """Adds the next line of a file, if there is one, to those that wait for their turn."""
    async for line in lines:
        heapq.heappush(waiting, (line.place, id(lines), line, lines))
        return


class _Splitter:
    """Takes lines out of bytes that come in pieces: at the end of a line, and nowhere else."""

    def __init__(self) -> None:
        self._rest = b""

    def lines(self, piece: bytes) -> Iterator[BatchLine]:
        *whole, self._rest = (self._rest + piece).split(b"\n")
        for line in whole:
            try:
                yield validated(BatchLine, json.loads(line))
            except ValueError as error:
                raise not_ours("this address") from error


def _create(
    lines: Lines, text: bool, endpoint: str | None, window: str, name: str
) -> Call[BatchObject]:
    """Returns the call that begins a batch. One that was begun twice would be answered twice, and
    so it is not repeated."""
    return Call(
        "POST",
        PATH,
        read_as(BatchObject),
        repeat="unsent",
        content=(_jsonl(lines, endpoint), "text/plain" if text else "application/jsonl"),
        params={"completion_window": window, "filename": name}
        | ({} if endpoint is None else {"endpoint": endpoint}),
        timeout_s=WRITE_TIMEOUT_S,
    )


def _jsonl(lines: Lines, endpoint: str | None) -> bytes:
    if isinstance(lines, bytes):
        return lines
    entries = (
        {
            "custom_id": f"line-{number}",
            "method": "POST",
            "url": endpoint or "/v1/query",
            "body": {"query": line},
        }
        if isinstance(line, str)
        else line
        for number, line in enumerate(lines, start=1)
    )
    return "".join(f"{json.dumps(entry)}\n" for entry in entries).encode()


def _get(batch_id: str) -> Call[BatchObject]:
    return Call("GET", f"{PATH}/{quote(batch_id, safe='')}", read_as(BatchObject))


def _list(after: str | None) -> Call[BatchList]:
    params = {"limit": str(_PAGE)} | ({} if after is None else {"after": after})
    return Call("GET", PATH, read_as(BatchList), params=params)


def _cancel(batch_id: str) -> Call[BatchObject]:
    path = f"{PATH}/{quote(batch_id, safe='')}/cancel"
    return Call("POST", path, read_as(BatchObject), repeat="unsent")


def _content(file_id: str) -> Call[bytes]:
    def read(response: httpx.Response) -> bytes:
        return response.content

    return Call("GET", f"/v1/files/{quote(file_id, safe='')}/content", read)
