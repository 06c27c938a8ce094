"""Documents that the service reads after it has answered, for the client that blocks and for the
one that does not."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from app.client.calls import WRITE_TIMEOUT_S, Call
from app.client.patience import PATIENCE_S, POLL_S, await_until, wait_until
from app.client.replies import read_as
from app.client.uploads import File, Scalar, TextDocument, content_of
from app.schemas.ingestions import Ingestion, IngestionList, IngestionSource, IngestionSources

PATH = "/v1/ingestions"
_PAGE = 100
OnIngestion = Callable[[Ingestion], object]


def _has_ended(ingestion: Ingestion) -> bool:
    return ingestion.has_ended


class Ingestions:
    """What a `Client` does with ingestions.

    Args:
        send: Makes a call, and returns what came of it.
    """

    def __init__(self, send: Callable[[Call[Any]], Any]) -> None:
        self._send = send

    def begin_files(
        self,
        files: Sequence[File],
        *,
        metadata: Mapping[str, Scalar] | None = None,
        acl: Sequence[str] | None = None,
    ) -> Ingestion:
        """Has files read later, and returns the ingestion. They travel in one request, whose
        bounds are the service's: 1,000 files, and bytes.

        Raises:
            OSError: a file cannot be read.
        """
        begun: Ingestion = self._send(_begin_files(files, metadata, acl))
        return begun

    def begin_documents(self, documents: Sequence[str | TextDocument]) -> Ingestion:
        """Has texts read later, and returns the ingestion."""
        begun: Ingestion = self._send(_begin_documents(documents))
        return begun

    def retrieve(self, ingestion_id: str) -> Ingestion:
        """Returns an ingestion as it is now."""
        found: Ingestion = self._send(_get(ingestion_id))
        return found

    def list(self) -> Iterator[Ingestion]:
        """Yields all ingestions of this caller, newest first."""
        after: str | None = None
        while True:
            page: IngestionList = self._send(_list(after))
            yield from page.data
            after = page.last_id
            if not page.has_more:
                return

    def sources(self, ingestion_id: str) -> Iterator[IngestionSource]:
        """Yields the documents of an ingestion, each with its state, and the reason where it
        failed."""
        after: int | None = 0
        while after is not None:
            page: IngestionSources = self._send(_sources(ingestion_id, after))
            yield from page.data
            after = page.next_after

    def cancel(self, ingestion_id: str) -> Ingestion:
        """Has no further document begun; what was read stays."""
        cancelled: Ingestion = self._send(_cancel(ingestion_id))
        return cancelled

    def wait(
        self,
        ingestion_id: str,
        *,
        on_progress: OnIngestion = lambda ingestion: None,
        poll_s: float = POLL_S,
        patience_s: float = PATIENCE_S,
    ) -> Ingestion:
        """Returns an ingestion when it has ended, and tells how far it is until then; once the
        service has answered, it may be away for as long as `patience_s`."""
        return wait_until(
            lambda: self.retrieve(ingestion_id),
            _has_ended,
            on_progress=on_progress,
            poll_s=poll_s,
            patience_s=patience_s,
        )


class AsyncIngestions:
    """What an `AsyncClient` does with ingestions: `Ingestions` with `await`."""

    def __init__(self, send: Callable[[Call[Any]], Awaitable[Any]]) -> None:
        self._send = send

    async def begin_files(
        self,
        files: Sequence[File],
        *,
        metadata: Mapping[str, Scalar] | None = None,
        acl: Sequence[str] | None = None,
    ) -> Ingestion:
        """Has files read later, and returns the ingestion. They travel in one request, whose
        bounds are the service's: 1,000 files, and bytes.

        Raises:
            OSError: a file cannot be read.
        """
        call = await asyncio.to_thread(_begin_files, files, metadata, acl)
        begun: Ingestion = await self._send(call)
        return begun

    async def begin_documents(self, documents: Sequence[str | TextDocument]) -> Ingestion:
        """Has texts read later, and returns the ingestion."""
        begun: Ingestion = await self._send(_begin_documents(documents))
        return begun

    async def retrieve(self, ingestion_id: str) -> Ingestion:
        """Returns an ingestion as it is now."""
        found: Ingestion = await self._send(_get(ingestion_id))
        return found

    async def list(self) -> AsyncIterator[Ingestion]:
        """Yields all ingestions of this caller, newest first."""
        after: str | None = None
        while True:
            page: IngestionList = await self._send(_list(after))
            for ingestion in page.data:
                yield ingestion
            after = page.last_id
            if not page.has_more:
                return

    async def sources(self, ingestion_id: str) -> AsyncIterator[IngestionSource]:
        """Yields the documents of an ingestion, each with its state, and the reason where it
        failed."""
        after: int | None = 0
        while after is not None:
            page: IngestionSources = await self._send(_sources(ingestion_id, after))
            for source in page.data:
                yield source
            after = page.next_after

    async def cancel(self, ingestion_id: str) -> Ingestion:
        """Has no further document begun; what was read stays."""
        cancelled: Ingestion = await self._send(_cancel(ingestion_id))
        return cancelled

    async def wait(
        self,
        ingestion_id: str,
        *,
        on_progress: OnIngestion = lambda ingestion: None,
        poll_s: float = POLL_S,
        patience_s: float = PATIENCE_S,
    ) -> Ingestion:
        """Returns an ingestion when it has ended, and tells how far it is until then; once the
        service has answered, it may be away for as long as `patience_s`."""
        return await await_until(
            lambda: self.retrieve(ingestion_id),
            _has_ended,
            on_progress=on_progress,
            poll_s=poll_s,
            patience_s=patience_s,
        )


def _begin_files(
    files: Sequence[File], metadata: Mapping[str, Scalar] | None, acl: Sequence[str] | None
) -> Call[Ingestion]:
    given = {"metadata": metadata, "acl": acl}
    form = {name: json.dumps(value) for name, value in given.items() if value is not None}
    return _begin(files=[content_of(file) for file in files], form=form or None)


def _begin_documents(documents: Sequence[str | TextDocument]) -> Call[Ingestion]:
    texts = [{"text": one} if isinstance(one, str) else one for one in documents]
    return _begin(body={"documents": texts})


def _begin(**sent: Any) -> Call[Ingestion]:
    """Returns the call that begins an ingestion. One that was begun twice would be read twice, and
    so it is not repeated."""
    return Call(
        "POST",
        "/v1/documents",
        read_as(Ingestion),
        repeat="unsent",
        headers={"Prefer": "respond-async"},
        timeout_s=WRITE_TIMEOUT_S,
        **sent,
    )


def _get(ingestion_id: str) -> Call[Ingestion]:
    return Call("GET", _path(ingestion_id), read_as(Ingestion))


def _list(after: str | None) -> Call[IngestionList]:
    params = {"limit": str(_PAGE)} | ({} if after is None else {"after": after})
    return Call("GET", PATH, read_as(IngestionList), params=params)


def _sources(ingestion_id: str, after: int) -> Call[IngestionSources]:
    path = f"{_path(ingestion_id)}/sources"
    params = {"limit": str(_PAGE), "after": str(after)}
    return Call("GET", path, read_as(IngestionSources), params=params)


def _cancel(ingestion_id: str) -> Call[Ingestion]:
    return Call("POST", f"{_path(ingestion_id)}/cancel", read_as(Ingestion), repeat="unsent")


def _path(ingestion_id: str) -> str:
    return f"{PATH}/{quote(ingestion_id, safe='')}"
