"""A closed service over doubles, with real keys on SQLite."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.access.keyring import Keyring
from app.access.principals import Authenticator
from app.api.application import create_app
from app.gateway import make_gateway
from app.releases.releases import Releases
from app.settings.gateway import GatewayArgs
from app.telemetry.requests import FinishedRequest, Telemetry
from deployments.access.secrets import Peppers
from deployments.access.store import AccessStore
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
        self.heard = Heard()
        args = GatewayArgs(auth="required")
        gateway = make_gateway(
            Releases(DoubleDirectory(), lambda: LIVE),
            args,
            telemetry=Telemetry([self.heard]),
            authenticator=Authenticator("required", ADMIN, self.keyring),
            keys=self.store,
        )
        self.app = create_app(gateway, args)

    def client(self, key: str = "") -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
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


@pytest.fixture
async def operator(closed: Closed) -> AsyncIterator[httpx.AsyncClient]:
    async with closed.client(ADMIN) as client:
        yield client
