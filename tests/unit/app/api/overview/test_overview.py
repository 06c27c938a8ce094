"""`/admin/overview` and `/admin/links`: what an operator sees at a glance, and what of it is left
while somebody does not answer."""

import json
import time
from typing import Any

import httpx
import pytest

from app.api.application import create_app
from app.api.overview.links import mlflow_server
from app.gateway import make_gateway
from app.releases.releases import Releases
from app.settings.cold.gateway import GatewayArgs
from deployments.activity import MinuteCounts, ReleaseMinute
from deployments.contracts.errors import Unavailable
from deployments.recent_activity import RecentActivity, sum_up
from deployments.service_state import (
    ApplicationState,
    DeploymentState,
    GatewayLoad,
    ServiceState,
)
from deployments.sketch import Sketch
from tests.doubles import DoubleDirectory
from tests.unit.app.conftest import LIVE
from tests.unit.deployments.tracing.scripted_server import Reply, ScriptedServer

KEY = "open-sesame"
STATE = ServiceState(
    {"a" * 32: GatewayLoad(3, 200)},
    [
        ApplicationState(
            "gateway", "RUNNING", [DeploymentState("Ingress", "HEALTHY", {"RUNNING": 1})]
        )
    ],
)


class Control:
    """The control application, which answers or does not."""

    def __init__(self, *, is_away: bool = False) -> None:
        self.is_away = is_away

    async def state(self, *, call: object) -> ServiceState:
        if self.is_away:
            raise Unavailable("It does not answer.", "rollout controller")
        return STATE

    async def recent(self, *, first_minute: int, call: object) -> RecentActivity:
        if self.is_away:
            raise Unavailable("It does not answer.", "tracker")
        return sum_up([minute_of(first_minute + 1)], first_minute=first_minute)


def minute_of(number: int) -> ReleaseMinute:
    sketch = Sketch()
    for value in (10.0, 20.0, 30.0):
        sketch.add(value)
    counts = MinuteCounts(requests=30, failed=1, rejected=2, cost_picousd=5 * 10**11)
    return ReleaseMinute("one", "f", number, counts, {"total_ms": sketch, "embedder_ms": sketch})


def client_of(control: Any, args: GatewayArgs | None = None, key: str = KEY) -> httpx.AsyncClient:
    args = args or GatewayArgs()
    gateway = make_gateway(
        Releases(DoubleDirectory(), lambda: LIVE),
        args,
        control=control,
        tracker=control,
        admin_key=KEY,
    )
    transport = httpx.ASGITransport(create_app(gateway, args), raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)


async def test_every_minute_is_there_with_its_figures() -> None:
    async with client_of(Control()) as client:
        found = (await client.get("/admin/overview?minutes=3")).json()
    assert [minute["requests"] for minute in found["minutes"]] in ([0, 30, 0], [0, 30, 0, 0])
    minute = found["minutes"][1]
    assert minute["requests_per_s"] == pytest.approx(0.5)
    assert (minute["failed"], minute["rejected"], minute["cost_usd"]) == (1, 2, 0.5)
    assert minute["times"]["embedder"]["p50_ms"] == pytest.approx(20.0, rel=0.02)
    passed_s = time.time() % 60 + 120
    assert found["total"]["requests_per_s"] == pytest.approx(30 / passed_s, rel=0.1)
    assert [one["release"] for one in found["releases"]] == ["one"]
    assert found["gateways"] == [{"replica": "a" * 12, "open_requests": 3, "limit": 200}]
    assert found["applications"][0]["deployments"][0]["replicas"] == {"RUNNING": 1}
    assert found["weights"]["one"] == 1.0
    assert found["missing"] == []


async def test_who_does_not_answer_is_named() -> None:
    async with client_of(Control(is_away=True)) as client:
        response = await client.get("/admin/overview?minutes=2")
    found = response.json()
    assert response.status_code == 200
    assert sorted(found["missing"]) == ["rollout controller", "tracker"]
    assert [minute["requests"] for minute in found["minutes"]] in ([0, 0], [0, 0, 0])
    assert found["applications"] == found["gateways"] == []


async def test_without_a_control_application_there_is_none() -> None:
    async with client_of(None) as client:
        assert (await client.get("/admin/overview")).status_code == 404


@pytest.mark.parametrize("path", ["/admin/overview", "/admin/links"])
async def test_it_is_for_operators(path: str) -> None:
    async with client_of(Control(), key="sk-other") as client:
        assert (await client.get(path)).status_code == 403


async def test_links_are_those_of_the_settings() -> None:
    args = GatewayArgs.model_validate(
        {
            "links": {"grafana": "https://grafana.example.org/d/ragserve"},
            "tracing": {"otlp_url": "http://127.0.0.1:1/v1/traces", "experiment": "ragserve"},
        }
    )
    async with client_of(Control(), args) as client:
        found = (await client.get("/admin/links")).json()
    assert found == {
        "mlflow": "http://127.0.0.1:1",
        "trace": None,  # nobody says which experiment it is
        "ray_dashboard": None,
        "grafana": "https://grafana.example.org/d/ragserve",
    }


async def test_a_trace_has_a_link_where_mlflow_answers() -> None:
    server = ScriptedServer()
    found = {"experiment_id": "7", "lifecycle_stage": "active"}
    server.answer = lambda _: Reply(body=json.dumps({"experiment": found}).encode())
    tracing = {"otlp_url": f"{server.url}/v1/traces", "experiment": "ragserve"}
    try:
        async with client_of(Control(), GatewayArgs.model_validate({"tracing": tracing})) as client:
            links = (await client.get("/admin/links")).json()
    finally:
        server.stop()
    assert links["trace"].startswith(f"{server.url}/#/experiments/7/traces?")
    assert links["trace"].endswith("traceId=tr-{trace_id}")


@pytest.mark.parametrize(
    ("tracing", "server"),
    [
        ({}, None),
        ({"otlp_url": "http://c:4318/v1/traces"}, None),
        ({"otlp_url": "http://c:4318/other", "experiment": "x"}, None),
        ({"otlp_url": "https://me:pw@m.test/a/v1/traces", "experiment": "x"}, "https://m.test/a"),
    ],
)
def test_traces_lead_to_mlflow_where_they_go_there(tracing: Any, server: str | None) -> None:
    assert mlflow_server(GatewayArgs.model_validate({"tracing": tracing})) == server
