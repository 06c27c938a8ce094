"""The HTTP edge over doubles, driven through ASGI without a socket."""

from collections.abc import AsyncIterator

import httpx
import pytest

from app.api.application import create_app
from app.gateway import make_gateway
from app.releases.releases import Releases
from app.settings.cold.gateway import GatewayArgs
from app.settings.live.gateway import GatewayLive
from app.settings.live.release import Release
from app.settings.live.routing import RoutingRule
from app.telemetry.access_log import AccessLog
from app.telemetry.requests import Telemetry
from tests.doubles import DoubleDirectory

LIVE = GatewayLive(
    releases={
        "one": Release(
            retrieval="retrieval-a",
            generator=("generator-a",),
            min_relevance_score=0.1,
            rerank_weight=1.0,
        ),
        "llm": Release(
            retrieval="retrieval-a",
            generator=("generator-echo",),
            min_relevance_score=0.1,
            rerank_weight=1.0,
        ),
        "searcher": Release(
            retrieval="retrieval-a",
            generator=("generator-echo", "generator-a"),
            min_relevance_score=0.1,
            rerank_weight=1.0,
            search="tool",
            search_rounds=2,
        ),
        "searcher-behind": Release(
            retrieval="retrieval-a",
            generator=("generator-a", "generator-echo"),
            min_relevance_score=0.1,
            rerank_weight=1.0,
            search="tool",
            search_rounds=2,
        ),
    },
    traffic={"one": 1.0},
    routing=(
        RoutingRule(use=("echo",), needs_retrieval=False),
        RoutingRule(use=("ragserve:llm",), min_turns=2),
    ),
)


@pytest.fixture
def stages() -> DoubleDirectory:
    return DoubleDirectory()


@pytest.fixture
def args() -> GatewayArgs:
    return GatewayArgs(
        request_timeout_s=2,
        max_body_bytes=20_000,
        max_upload_bytes=40_000,
        max_concurrent_requests=4,
    )


@pytest.fixture
async def client(stages: DoubleDirectory, args: GatewayArgs) -> AsyncIterator[httpx.AsyncClient]:
    telemetry = Telemetry([AccessLog()])
    app = create_app(make_gateway(Releases(stages, lambda: LIVE), args, telemetry=telemetry), args)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


@pytest.fixture
async def loaded(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """A client of a service that knows three documents."""
    documents = [
        {
            "id": "paris",
            "path": "geo/paris.md",
            "text": "Paris is the capital of France.",
            "metadata": {"area": "eu"},
        },
        {
            "id": "tokyo",
            "path": "geo/tokyo.md",
            "text": "Tokyo is the capital of Japan.",
            "metadata": {"area": "asia"},
        },
        {
            "id": "queue",
            "path": "ops.md",
            "text": "# Overload\n\nA full queue is answered with status 503.",
        },
    ]
    response = await client.post("/v1/documents", json={"documents": documents})
    assert response.json()["added"] == 3, response.text
    return client
