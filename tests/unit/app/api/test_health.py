"""Liveness and readiness."""

import asyncio

import httpx
import pytest

from app.api.application import create_app
from app.gateway import make_gateway
from app.releases.releases import Releases
from app.settings.cold.gateway import GatewayArgs
from app.settings.live.gateway import GatewayLive
from app.settings.live.release import Release
from deployments.contracts.calls import CallContext
from deployments.contracts.errors import StageFailed, Unavailable
from tests.doubles import DoubleDirectory
from tests.unit.app.conftest import LIVE


@pytest.mark.parametrize("path", ["/health/live", "/healthz"])
async def test_live_says_nothing_about_stages(
    client: httpx.AsyncClient, stages: DoubleDirectory, path: str
) -> None:
    stages.embedder.failure = Unavailable("gone")
    assert (await client.get(path)).json() == {"status": "ok"}


@pytest.mark.parametrize("path", ["/health/ready", "/readyz"])
async def test_ready_names_the_stage_that_is_missing(
    client: httpx.AsyncClient, stages: DoubleDirectory, path: str
) -> None:
    assert (await client.get(path)).status_code == 200
    stages.retriever.failure = Unavailable("The vector store does not answer.")
    response = await client.get(path)
    assert response.status_code == 503
    assert response.json()["releases"]["one"]["retriever"] == "The vector store does not answer."
    assert response.json()["releases"]["one"]["embedder"] == "ok"


async def test_ready_names_a_shard_that_is_away_and_stays_ready(
    client: httpx.AsyncClient, stages: DoubleDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def describe(*, call: CallContext) -> dict[str, object]:
        return {"store": "ok", "shards": 2, "missing": ["retriever:shard-2"]}

    monkeypatch.setattr(stages.retriever, "describe", describe)
    response = await client.get("/health/ready")
    assert response.status_code == 200
    failing = [one for one in response.json()["dependencies"] if one["status"] == "failing"]
    assert [one["name"] for one in failing] == ["retrieval-a/retriever:shard-2"]
    assert not failing[0]["required"]
    assert "without its documents" in failing[0]["detail"]


@pytest.mark.parametrize("path", ["/health/ready", "/readyz", "/health/live", "/healthz"])
async def test_a_full_gateway_still_says_how_it_is(stages: DoubleDirectory, path: str) -> None:
    stages.embedder.holds = asyncio.Event()
    args = GatewayArgs(max_concurrent_requests=2, request_timeout_s=5)
    app = create_app(make_gateway(Releases(stages, lambda: LIVE), args), args)
    async with client_of(app) as client:
        asking = [
            asyncio.create_task(client.post("/v1/query", json={"query": "x y"})) for _ in range(2)
        ]
        await stages.embedder.entered.wait()
        await asyncio.sleep(0.01)
        assert (await client.post("/v1/query", json={"query": "x y"})).status_code == 503
        assert (await client.get(path)).status_code == 200
        stages.embedder.holds.set()
        for task in asking:
            assert (await task).status_code == 200


class Reports:
    """A controller or a tracker that says how it is."""

    def __init__(self, facts: dict[str, object] | Unavailable) -> None:
        self.facts = facts

    async def describe(self, *, call: CallContext) -> dict[str, object]:
        if isinstance(self.facts, Unavailable):
            raise self.facts
        return self.facts


async def test_it_says_of_each_dependency_how_it_is_and_what_can_be_missing(
    stages: DoubleDirectory,
) -> None:
    live = GatewayLive(
        releases={"one": Release(retrieval="r", generator=("g-echo", "g"))}, traffic={"one": 1.0}
    )
    stages.echo.failure = StageFailed("The engine is dead.")
    args = GatewayArgs(control="control")
    gateway = make_gateway(
        Releases(stages, lambda: live),
        args,
        control=Reports(Unavailable("The database does not answer.")),  # type: ignore[arg-type]
        tracker=Reports({"mlflow": "MLflow does not answer."}),  # type: ignore[arg-type]
        breakers=lambda: {("g-echo", "generator"): "open"},
    )
    async with client_of(create_app(gateway, args)) as client:
        response = await client.get("/health/ready")
    assert response.status_code == 200, "the other generator answers"
    assert response.json()["releases"]["one"]["generator"] == "ok"
    shown = {one.pop("name"): one for one in response.json()["dependencies"]}
    assert all(one.pop("latency_ms") >= 0 for one in shown.values())
    ok = {"status": "ok", "detail": "", "breaker": "closed"}
    assert shown == {
        "r/embedder": {"required": True, **ok},
        "r/retriever": {"required": True, **ok},
        "r/reranker": {"required": True, **ok},
        "r/indexer": {"required": True, **ok},
        "g-echo/generator": {
            "required": False,
            "status": "failing",
            "detail": "The engine is dead.",
            "breaker": "open",
        },
        "g/generator": {"required": False, **ok},
        "control/rollout controller": {
            "required": False,
            "status": "failing",
            "detail": "The database does not answer.",
            "breaker": "closed",
        },
        "control/tracker": {"required": False, **ok},
        "mlflow": {
            "required": False,
            "status": "failing",
            "detail": "MLflow does not answer.",
            "breaker": "closed",
        },
    }


def client_of(app: object) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
    return httpx.AsyncClient(transport=transport, base_url="http://test")
