"""The retriever of an application, whatever number of shards it has: the gateway knows the name of
the application alone, and asks Serve once what is deployed there.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from app.settings.cold.gateway import GatewayArgs
from app.stages.breaker import Breakers
from app.stages.handle import deployments_of
from app.stages.retrieval import RetrieverClient, ShardClient
from deployments.contracts.calls import CallContext
from deployments.contracts.errors import DeadlineExceeded, Unavailable
from deployments.contracts.stages import RetrieverStage
from deployments.sharding.deal import deployment_names, shard_count
from deployments.sharding.retriever import ShardedRetriever

_LOOK_AGAIN_S = 2.0
"""Time between two looks at what is deployed, where the last one may be out of date."""


class DealtRetriever:
    """Hands each call of a method of `RetrieverStage` on to the one retriever, or to all shards.
    Looks again what is deployed after it was not there, or was dealt anew.

    Args:
        application: Name of its application.
        args: See `StageHandle`.
        breakers: See `StageHandle`.
        deployed: Returns the names of the deployments of an application; blocks.
        now: Clock in seconds; monotonic.
    """

    def __init__(
        self,
        application: str,
        args: GatewayArgs,
        breakers: Breakers,
        *,
        deployed: Callable[[str], Iterable[str]] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._application = application
        self._args = args
        self._breakers = breakers
        self._deployed = deployed or deployments_of
        self._now = now
        self._shards = 0
        self._retriever: RetrieverStage | None = None
        self._first_look = asyncio.Lock()
        self._looking: asyncio.Task[None] | None = None
        self._look_at_s = 0.0

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        if name.startswith("_"):
            raise AttributeError(name)

        async def ask(*args: object, call: CallContext, **options: object) -> Any:
            retriever = await self._find(call)
            try:
                return await getattr(retriever, name)(*args, call=call, **options)
            except Unavailable:
                self._look_again()
                raise

        return ask

    async def _find(self, call: CallContext) -> RetrieverStage:
        if self._retriever is None:
            try:
                async with asyncio.timeout(call.timeout_s), self._first_look:
                    if self._retriever is None:
                        await self._look()
            except TimeoutError as error:
                raise DeadlineExceeded(
                    "Serve did not say in time where the retriever is.", "retriever"
                ) from error
        assert self._retriever is not None
        return self._retriever

    def _look_again(self) -> None:
        """Looks in the background: no request waits for Serve's controller, which may be away."""
        is_looking = self._looking is not None and not self._looking.done()
        if not is_looking and self._now() >= self._look_at_s:
            self._looking = asyncio.create_task(self._look())

    async def _look(self) -> None:
        self._look_at_s = self._now() + _LOOK_AGAIN_S
        shards = shard_count(await asyncio.to_thread(self._deployed, self._application))
        if self._retriever is None or shards not in (0, self._shards):
            self._shards = shards
            self._retriever = self._client(max(shards, 1))

    def _client(self, shards: int) -> RetrieverStage:
        application, args, breakers = self._application, self._args, self._breakers
        names = deployment_names(shards)
        if shards == 1:
            return RetrieverClient(application, names[0], args, breakers)
        clients = [
            ShardClient(application, name, shard, args, breakers)
            for shard, name in enumerate(names, start=1)
        ]
        return ShardedRetriever(clients, changed=self._look_again)
