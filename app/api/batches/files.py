"""The files of batches under `/v1/files`: their bytes are kept, and nothing of them is searched."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends

from app.api.batches.keeper import OwnerIn
from app.api.requests.dependencies import GatewayIn, ScopeIn
from app.api.wire.batches import batch_file_object
from app.request.scope import RequestScope
from app.schemas.files.files import FileObject
from deployments.batches.contract import FILE_PREFIX, BatchStage, FilePurpose
from deployments.contracts.errors import NotFound

BATCH_PURPOSES: tuple[FilePurpose, ...] = ("batch", "batch_output")
_PIECE_TIMEOUT_S = 30.0


def is_batch_file(file_id: str) -> bool:
    """Returns whether an id is that of a file of a batch, and not of a document."""
    return file_id.startswith(FILE_PREFIX)


@dataclass(frozen=True, slots=True)
class BatchFiles:
    """The files of batches that a caller sees.

    Args:
        keeper: Who keeps them, None where nobody does.
        owner: Whose they are, None for everybody's.
        scope: The request.
    """

    keeper: BatchStage | None
    owner: str | None
    scope: RequestScope

    def _keeper(self) -> BatchStage:
        if self.keeper is None:
            raise NotFound("There is no such file: this service keeps no batches.")
        return self.keeper

    async def get(self, file_id: str) -> FileObject:
        """Returns a file, or raises NotFound."""
        found = await self._keeper().file(file_id, owner=self.owner, call=self.scope.call())
        return batch_file_object(found)

    async def delete(self, file_id: str) -> None:
        """Removes a file, or raises NotFound."""
        await self._keeper().delete_file(file_id, owner=self.owner, call=self.scope.call())

    async def list(
        self, purpose: FilePurpose | None, *, after: str | None, limit: int
    ) -> list[FileObject]:
        """Returns files in order of arrival; none where nobody keeps any."""
        if self.keeper is None or limit <= 0:
            return []
        found = await self.keeper.files(
            purpose, after=after, limit=limit, owner=self.owner, call=self.scope.call()
        )
        return [batch_file_object(file) for file in found]

    async def content(self, file_id: str) -> AsyncGenerator[bytes, None]:
        """Returns the bytes of a file, piece by piece; raises NotFound before the first."""
        keeper = self._keeper()
        first = await keeper.read_file(file_id, 0, owner=self.owner, call=self.scope.call())
        call = self.scope.within(_PIECE_TIMEOUT_S).call()

        async def pieces() -> AsyncGenerator[bytes, None]:
            piece = first
            yield piece.content
            while piece.next_place is not None:
                place = piece.next_place
                piece = await keeper.read_file(file_id, place, owner=self.owner, call=call)
                yield piece.content

        return pieces()


async def batch_files(gateway: GatewayIn, scope: ScopeIn, owner: OwnerIn) -> BatchFiles:
    """Returns the files of batches that the caller sees."""
    return BatchFiles(gateway.batches, owner, scope)


BatchFilesIn = Annotated[BatchFiles, Depends(batch_files)]
