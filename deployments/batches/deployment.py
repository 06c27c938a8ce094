"""The shell of the keeper of batches."""

import asyncio
import logging
import time
from collections.abc import Sequence

from deployments.batches.contract import (
    Batch,
    BatchKind,
    BatchRequest,
    FilePiece,
    FilePurpose,
    KeptFile,
    Work,
    WorkReport,
)
from deployments.batches.ingestion import IngestionRequest, SourceStatus
from deployments.batches.ingestion_store import IngestionStore
from deployments.batches.parsing import parse_file
from deployments.contracts.calls import CallContext
from deployments.contracts.tenants import Erased
from deployments.control.config import ControlArgs, database_url
from deployments.serving.every import every
from deployments.serving.one_machine import require_shared
from deployments.serving.replica import StageReplica

_SWEEP_EVERY_S = 2.0
_FORGET_EVERY_S = 3600.0
_log = logging.getLogger("ray.serve")


class BatchKeeper(StageReplica):
    """`BatchStage`: keeps batches in the database, and gives their lines to who runs them. What it
    knows is there, so it may be killed at any moment.

    Args:
        args: `ControlArgs` as a mapping.
    """

    def __init__(self, args: dict[str, object]) -> None:
        settings = ControlArgs.model_validate(args)
        self._args = settings.batches
        self._store = IngestionStore(
            require_shared(database_url(settings.database_url)), self._args
        )
        self._store.upgrade()
        self._tasks: list[asyncio.Task[None]] = []

    async def describe(self, *, call: CallContext) -> dict[str, object]:
        """Returns that the database answers, or raises Unavailable."""
        await asyncio.to_thread(self._store.has_open)
        return {"database": "ok"}

    async def keep_file(
        self, filename: str, content: bytes, *, owner: str, call: CallContext
    ) -> KeptFile:
        """See `BatchStage.keep_file`."""
        return await asyncio.to_thread(
            self._store.keep, filename, content, owner=owner, now_s=time.time()
        )

    async def file(self, file_id: str, *, owner: str | None, call: CallContext) -> KeptFile:
        """See `BatchStage.file`."""
        return await asyncio.to_thread(self._store.file, file_id, owner=owner)

    async def files(
        self,
        purpose: FilePurpose | None,
        *,
        after: str | None,
        limit: int,
        owner: str | None,
        call: CallContext,
    ) -> Sequence[KeptFile]:
        """See `BatchStage.files`."""
        return await asyncio.to_thread(
            self._store.files, purpose, after=after, limit=limit, owner=owner
        )

    async def read_file(
        self, file_id: str, place: int, *, owner: str | None, call: CallContext
    ) -> FilePiece:
        """See `BatchStage.read_file`."""
        return await asyncio.to_thread(self._store.read, file_id, place, owner=owner)

    async def delete_file(self, file_id: str, *, owner: str | None, call: CallContext) -> None:
        """See `BatchStage.delete_file`."""
        await asyncio.to_thread(self._store.delete, file_id, owner=owner)

    async def create(self, request: BatchRequest, *, call: CallContext) -> Batch:
        """See `BatchStage.create`."""
        return await asyncio.to_thread(self._create, request)

    async def batch(self, batch_id: str, *, owner: str | None, call: CallContext) -> Batch:
        """See `BatchStage.batch`."""
        return await asyncio.to_thread(self._store.batch, batch_id, owner=owner)

    async def batches(
        self,
        kind: BatchKind,
        *,
        after: str | None,
        limit: int,
        owner: str | None,
        call: CallContext,
    ) -> Sequence[Batch]:
        """See `BatchStage.batches`."""
        return await asyncio.to_thread(
            self._store.batches, kind, after=after, limit=limit, owner=owner
        )

    async def begin_ingestion(self, request: IngestionRequest, *, call: CallContext) -> Batch:
        """See `BatchStage.begin_ingestion`."""
        return await asyncio.to_thread(self._store.begin_ingestion, request, now_s=time.time())

    async def sources(
        self, ingestion_id: str, *, after: int, limit: int, owner: str | None, call: CallContext
    ) -> Sequence[SourceStatus]:
        """See `BatchStage.sources`."""
        return await asyncio.to_thread(
            self._store.sources,
            ingestion_id,
            after=after,
            limit=limit,
            owner=owner,
            now_s=time.time(),
        )

    async def cancel(self, batch_id: str, *, owner: str | None, call: CallContext) -> Batch:
        """See `BatchStage.cancel`."""
        return await asyncio.to_thread(self._store.cancel, batch_id, owner=owner, now_s=time.time())

    async def erase_tenant(self, tenant: str, *, call: CallContext) -> Erased:
        """See `BatchStage.erase_tenant`."""
        call.access.require_all_tenants()
        return await asyncio.to_thread(self._store.erase, tenant)

    async def exchange(self, report: WorkReport, *, call: CallContext) -> Work:
        """See `BatchStage.exchange`."""
        return await asyncio.to_thread(self._store.exchange, report, now_s=time.time())

    async def check_health(self) -> None:
        """Begins to end and to forget batches, before the replica counts as ready."""
        if not self._tasks:
            sweep = every(_SWEEP_EVERY_S, self._sweep, fails="batches are ended later")
            forget = every(_FORGET_EVERY_S, self._forget, fails="old batches are forgotten later")
            self._tasks = [asyncio.create_task(sweep), asyncio.create_task(forget)]

    def close(self) -> None:
        """Ends what goes on by itself, and closes the database."""
        for task in self._tasks:
            task.cancel()
        self._store.close()

    def _create(self, request: BatchRequest) -> Batch:
        content = self._store.content(request.input_file_id, owner=request.submitter.owner)
        parsed = parse_file(
            content,
            request.endpoint,
            max_lines=self._args.max_lines,
            max_line_bytes=self._args.max_line_bytes,
        )
        return self._store.create(request, parsed, now_s=time.time())

    async def _sweep(self) -> None:
        if await asyncio.to_thread(self._store.has_open):
            await asyncio.to_thread(self._store.sweep, now_s=time.time())

    async def _forget(self) -> None:
        if gone := await asyncio.to_thread(self._store.forget, now_s=time.time()):
            _log.info("%d batches and files were old, and are gone", gone)
