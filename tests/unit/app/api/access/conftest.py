"""A closed service over doubles, with real keys on SQLite."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.access.keyring import Keyring
from app.access.principals import Authenticator
from app.api.application import create_app
from app.gateway import make_gateway
from app.idempotency.requests import IdempotentRequests
from app.releases.releases import Releases
from app.settings.cold.gateway import GatewayArgs
from app.telemetry.requests import FinishedRequest, Telemetry
from deployments.access.secrets import Peppers
from deployments.access.store import AccessStore
from deployments.idempotency.store import IdempotencyStore
from tests.doubles import DoubleDirectory
from tests.unit.app.conftest import LIVE

ADMIN = "open-sesame-open-sesame"
PEPPERS = Peppers(["p" * 32])
Connect = Callable[[str], httpx.AsyncClient]


class Heard:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.requests: list[FinishedRequest] = []

    def take(self, request: FinishedRequest) -> None:
        self.requests.append(request)


class Closed:
    """The service and what it is made of."""

    def __init__(self, folder: Path) -> None:
        self.store = AccessStore(f"sqlite:///{folder / 'control.db'}", PEPPERS)
        self.store.upgrade()
        self.keyring = Keyring(
            self.store, lambda secret: PEPPERS.digest(secret).value, max_known=99, stale_s=300
        )
        self.answers = IdempotencyStore(f"sqlite:///{folder / 'control.db'}")
        self.heard = Heard()
        self.stages = DoubleDirectory()
        self.app = self.another_replica()

    def another_replica(self) -> FastAPI:
        """Returns a gateway that has the database in common with others, and nothing else."""
        args = GatewayArgs(auth="required")
        gateway = make_gateway(
            Releases(self.stages, lambda: LIVE),
            args,
            telemetry=Telemetry([self.heard]),
            authenticator=Authenticator("required", ADMIN, self.keyring),
            keys=self.store,
            idempotent=IdempotentRequests(self.answers, b"secret", kept_s=60, max_detached=2),
        )
        return create_app(gateway, args)

    def client(self, key: str = "", *, app: FastAPI | None = None) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        transport = httpx.ASGITransport(app or self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)

    async def make_key(self, **fields: Any) -> dict[str, Any]:
        """Makes a key as an operator, and returns it with its secret."""
        async with self.client(ADMIN) as operator:
            answer = await operator.post("/admin/keys", json=fields)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture
async def closed(tmp_path: Path) -> AsyncIterator[Closed]:
    made = Closed(tmp_path)
    await made.keyring.look()
    async with made.client(ADMIN) as operator:
        answer = await operator.post("/admin/tenants", json={"id": "acme"})
        assert answer.status_code == 201, answer.text
    yield made
    made.store.close()
    made.answers.close()


@pytest.fixture
async def operator(closed: Closed) -> AsyncIterator[httpx.AsyncClient]:
    async with closed.client(ADMIN) as client:
        yield client
