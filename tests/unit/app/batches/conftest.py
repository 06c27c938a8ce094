"""A service with a real keeper of batches, and what works on their lines."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from app.api.application import create_app
from app.batches.runner import BatchRunner
from app.edge.admission import current_gate
from app.gateway import make_gateway
from app.releases.releases import Releases
from app.settings.cold.batches import BatchWorkArgs
from app.settings.cold.gateway import GatewayArgs
from app.telemetry.requests import FinishedRequest, Telemetry
from deployments.batches.contract import Batch, Work, WorkReport
from deployments.batches.deployment import BatchKeeper
from deployments.contracts.calls import CallContext
from deployments.contracts.errors import Unavailable
from tests.doubles import DoubleDirectory
from tests.unit.app.conftest import LIVE

ADMIN = "open-sesame"
CALL = CallContext("test", 10.0)
PARIS = {"id": "p", "path": "p.md", "text": "Paris is the capital of France."}


class Keeper(BatchKeeper):
    """A keeper that answers nothing while it is `away`."""

    away = False

    async def exchange(self, report: WorkReport, *, call: CallContext) -> Work:
        if self.away:
            raise Unavailable("The batch keeper does not answer.", "batch keeper", 1.0)
        return await super().exchange(report, call=call)


class Listener:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.heard: list[FinishedRequest] = []

    def take(self, request: FinishedRequest) -> None:
        self.heard.append(request)


class Service:
    """The application over doubles, with a keeper on SQLite."""

    def __init__(self, folder: Path, stages: DoubleDirectory, args: GatewayArgs) -> None:
        url = f"sqlite:///{folder / 'control.db'}"
        self.keeper = Keeper({"database_url": url, "batches": {"lease_s": 2}})
        self.listener = Listener()
        self.stages = stages
        gateway = make_gateway(
            Releases(stages, lambda: LIVE),
            args,
            telemetry=Telemetry([self.listener]),
            batches=self.keeper,
            admin_key=ADMIN,
        )
        self.app: FastAPI = create_app(gateway, args)
        self.principal_of = gateway.authenticator.of_key

    def runner(self, name: str = "one", **args: float) -> BatchRunner:
        def load() -> tuple[int, float]:
            gate = current_gate()
            assert gate is not None
            return gate.foreground.open_requests, gate.foreground.quiet_s()

        settings = BatchWorkArgs.model_validate({"quiet_s": 0, **args})
        return BatchRunner(
            *(self.keeper, self.app, load, settings), name=name, principal_of=self.principal_of
        )

    def client(self, key: str = "") -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)

    async def until(
        self, batch_id: str, holds: Callable[[Batch], bool], *, within_s: float = 10.0
    ) -> Batch:
        """Returns the batch once it is so."""
        async with asyncio.timeout(within_s):
            while True:
                batch = await self.keeper.batch(batch_id, owner=None, call=CALL)
                if holds(batch):
                    return batch
                await asyncio.sleep(0.01)


@pytest.fixture
async def service(
    tmp_path: Path, stages: DoubleDirectory, args: GatewayArgs
) -> AsyncIterator[Service]:
    made = Service(tmp_path, stages, args)
    async with made.client() as client:
        response = await client.post("/v1/documents", json={"documents": [PARIS]})
        assert response.json()["added"] == 1
    made.listener.heard.clear()
    yield made
    made.keeper.close()
