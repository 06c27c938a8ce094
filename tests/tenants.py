"""A service in this process with the real retriever and indexer over an embedded Chroma, to which
each of several callers is whoever a table says."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
from starlette.datastructures import Headers

from app.access.principals import Authenticator
from app.api.application import create_app
from app.gateway import make_gateway
from app.releases.releases import Releases
from app.releases.route import RetrievalStages
from app.request.principal import Principal
from app.settings.cold.gateway import GatewayArgs
from app.settings.live.gateway import GatewayLive
from deployments.batches.deployment import BatchKeeper
from deployments.contracts.calls import CallContext
from deployments.indexer.deployment import Indexer
from deployments.retriever.deployment import Retriever
from tests.doubles import DoubleDirectory


class Method:
    """A handle's method over a coroutine."""

    def __init__(self, method: Callable[..., Awaitable[Any]]) -> None:
        self.remote = method


class Handle:
    """A stage in this process as another stage sees it."""

    def __init__(self, stage: object) -> None:
        self._stage = stage

    def __getattr__(self, name: str) -> Method:
        return Method(getattr(self._stage, name))


class DescribedRetriever(Retriever):
    """A retriever that is asked what it is without a handle that remembers."""

    async def description(self, *, call: CallContext) -> dict[str, object]:
        return await self.describe(call=call)


class RealDirectory(DoubleDirectory):
    """Doubles, but for the stages that know of tenants."""

    def __init__(self, folder: Path, **retriever: object) -> None:
        super().__init__()
        store = {"path": str(folder / "chroma")}
        self.index = DescribedRetriever({"store": store, **retriever})
        self.writer = Indexer(
            {"max_chunk_tokens": 32, "overlap_tokens": 0, "niceness": 0},
            Handle(self.embedder),  # type: ignore[arg-type]
            [Handle(self.index)],  # type: ignore[list-item]
        )

    def retrieval(self, application: str) -> RetrievalStages:
        return RetrievalStages(self.embedder, self.index, self.reranker, self.writer)  # type: ignore[arg-type]


class ByTable(Authenticator):
    """Whoever asks is whom the table names for their key."""

    def __init__(self, principals: Mapping[str, Principal]) -> None:
        super().__init__()
        self._principals = principals

    async def identify(self, headers: Headers) -> Principal:
        return self._principals[headers.get("authorization", "").removeprefix("Bearer ")]


class TenantService:
    """The application; `client` sends requests of somebody in the table."""

    def __init__(
        self,
        folder: Path,
        live: GatewayLive,
        args: GatewayArgs,
        principals: Mapping[str, Principal],
        **retriever: object,
    ) -> None:
        self.stages = RealDirectory(folder, **retriever)
        self.keeper = BatchKeeper({"database_url": f"sqlite:///{folder / 'control.db'}"})
        self.releases = Releases(self.stages, lambda: live)
        gateway = make_gateway(
            self.releases, args, batches=self.keeper, authenticator=ByTable(principals)
        )
        self.app = create_app(gateway, args)

    def client(self, key: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)

    def close(self) -> None:
        self.keeper.close()
