"""What every double of a stage stands on: it fails when a test says so."""

from deployments.contracts.calls import CallContext
from deployments.contracts.errors import RagError


class Breakable:
    """Fails with `failure` when there is one."""

    failure: RagError | None = None
    calls: int = 0

    def _enter(self) -> None:
        self.calls += 1
        if self.failure is not None:
            raise self.failure

    async def describe(self, *, call: CallContext) -> dict[str, object]:
        self._enter()
        return {"model": f"{type(self).__name__.lower()}-double"}

    async def description(self, *, call: CallContext) -> dict[str, object]:
        return await self.describe(call=call)
