"""The keeper of batches over a handle."""

from collections.abc import Sequence
from typing import cast

from app.settings.cold.gateway import GatewayArgs
from app.stages.breaker import Breakers
from app.stages.handle import StageHandle
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
from deployments.contracts.calls import CallContext
from deployments.contracts.tenants import Erased


class BatchClient(StageHandle):
    """`BatchStage` over a handle. To begin a batch is asked once; all else may come twice.

    Args:
        application: Name of the control application.
        args: See `StageHandle`.
        breakers: See `StageHandle`.
    """

    def __init__(self, application: str, args: GatewayArgs, breakers: Breakers) -> None:
        super().__init__(
            application, "BatchKeeper", args, breakers, max_calls=4, says="batch keeper"
        )

    async def keep_file(
        self, filename: str, content: bytes, *, owner: str, call: CallContext
    ) -> KeptFile:
        """See `BatchStage.keep_file`."""
        answer = await self.call("keep_file", filename, content, owner=owner, call=call)
        return cast(KeptFile, answer)

    async def file(self, file_id: str, *, owner: str | None, call: CallContext) -> KeptFile:
        """See `BatchStage.file`."""
        return cast(KeptFile, await self.call("file", file_id, owner=owner, call=call))

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
        answer = await self.call("files", purpose, after=after, limit=limit, owner=owner, call=call)
        return cast(Sequence[KeptFile], answer)

    async def read_file(
        self, file_id: str, place: int, *, owner: str | None, call: CallContext
    ) -> FilePiece:
        """See `BatchStage.read_file`."""
        answer = await self.call("read_file", file_id, place, owner=owner, call=call)
        return cast(FilePiece, answer)

    async def delete_file(self, file_id: str, *, owner: str | None, call: CallContext) -> None:
        """See `BatchStage.delete_file`. Never repeated: the second time there is nothing left to
        find."""
        await self.call("delete_file", file_id, owner=owner, call=call, attempts=1)

    async def create(self, request: BatchRequest, *, call: CallContext) -> Batch:
        """See `BatchStage.create`."""
        return cast(Batch, await self.call("create", request, call=call, attempts=1))

    async def batch(self, batch_id: str, *, owner: str | None, call: CallContext) -> Batch:
        """See `BatchStage.batch`."""
        return cast(Batch, await self.call("batch", batch_id, owner=owner, call=call))

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
        answer = await self.call("batches", kind, after=after, limit=limit, owner=owner, call=call)
        return cast(Sequence[Batch], answer)

    async def begin_ingestion(self, request: IngestionRequest, *, call: CallContext) -> Batch:
        """See `BatchStage.begin_ingestion`."""
        return cast(Batch, await self.call("begin_ingestion", request, call=call, attempts=1))

    async def sources(
        self, ingestion_id: str, *, after: int, limit: int, owner: str | None, call: CallContext
    ) -> Sequence[SourceStatus]:
        """See `BatchStage.sources`."""
        answer = await self.call(
            "sources", ingestion_id, after=after, limit=limit, owner=owner, call=call
        )
        return cast(Sequence[SourceStatus], answer)

    async def cancel(self, batch_id: str, *, owner: str | None, call: CallContext) -> Batch:
        """See `BatchStage.cancel`."""
        answer = await self.call("cancel", batch_id, owner=owner, call=call, attempts=1)
        return cast(Batch, answer)

    async def erase_tenant(self, tenant: str, *, call: CallContext) -> Erased:
        """See `BatchStage.erase_tenant`."""
        return cast(Erased, await self.call("erase_tenant", tenant, call=call))

    async def exchange(self, report: WorkReport, *, call: CallContext) -> Work:
        """See `BatchStage.exchange`. Who sends it repeats it."""
        return cast(Work, await self.call("exchange", report, call=call, attempts=1))
