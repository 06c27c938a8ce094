"""A service with moderation policies, over the doubles of the other tests."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from app.api.application import create_app
from app.gateway import make_gateway
from app.moderation.classifier import AlwaysClosed
from app.moderation.classifiers import Classifiers
from app.releases.releases import Releases
from app.settings.cold.gateway import GatewayArgs
from app.settings.live.gateway import GatewayLive
from app.settings.live.moderation import Moderation
from app.telemetry.requests import FinishedRequest, Telemetry
from tests.doubles import DoubleDirectory
from tests.unit.app.conftest import LIVE

DOCUMENTS = [
    {"id": "paris", "path": "geo/paris.md", "text": "Paris is the capital of France."},
    {
        "id": "harbour",
        "path": "harbour.md",
        "text": "The harbour opens at dawn. The harbour master is called Gadzooks. "
        "The harbour has a crane.",
    },
]


class Finished:
    """Keeps what is told of requests."""

    def __init__(self) -> None:
        self.requests: list[FinishedRequest] = []

    def take(self, request: FinishedRequest) -> None:
        self.requests.append(request)


class Judging(httpx.AsyncBaseTransport):
    """A moderation server: what says `grim` is violence, `slow` and `broken` fail it."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.status = 200

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        import json

        await request.aread()
        texts = json.loads(request.content)["input"]
        self.asked.append(texts)
        results = [
            {
                "flagged": "grim" in text,
                "categories": {"violence": "grim" in text, "hate": False},
                "category_scores": {"violence": 0.9 if "grim" in text else 0.1, "hate": 0.0},
            }
            for text in texts
        ]
        return httpx.Response(self.status, json={"id": "m", "model": "x", "results": results})


@pytest.fixture
def finished() -> Finished:
    return Finished()


@pytest.fixture
def judging() -> Judging:
    return Judging()


Serve = Callable[[dict[str, Any]], Awaitable[httpx.AsyncClient]]


@pytest.fixture
async def serve(
    stages: DoubleDirectory, args: GatewayArgs, finished: Finished, judging: Judging
) -> AsyncIterator[Serve]:
    """Returns a client of a service with moderation settings, which knows two documents."""
    clients: list[httpx.AsyncClient] = []

    async def start(moderation: dict[str, Any]) -> httpx.AsyncClient:
        live = GatewayLive.model_validate(
            {**LIVE.model_dump(), "moderation": Moderation.model_validate(moderation)}
        )
        app = create_app(
            make_gateway(
                Releases(stages, lambda: live),
                args,
                telemetry=Telemetry([finished]),
                classifiers=Classifiers(lambda _: AlwaysClosed(), judging),
            ),
            args,
        )
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://test"
        )
        clients.append(client)
        response = await client.post("/v1/documents", json={"documents": DOCUMENTS})
        assert response.status_code == 200, response.text
        finished.requests.clear()
        return client

    yield start
    for client in clients:
        await client.aclose()


def policy(**sides: Any) -> dict[str, Any]:
    """Returns settings with one policy, which holds for everybody."""
    return {
        "blocklists": {"oaths": {"terms": ["gadzooks", "by jove"]}},
        "classifiers": {"judge": {"base_url": "http://judge.test/v1"}},
        "policies": {"strict": sides},
        "default": "strict",
    }
