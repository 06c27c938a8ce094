"""The model `auto`, from live figures to the answer that explains itself."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.api.application import create_app
from app.gateway import make_gateway
from app.releases.releases import Releases
from app.settings.cold.breaker import BreakerState
from app.settings.cold.gateway import GatewayArgs
from app.settings.live.gateway import GatewayLive
from app.settings.live.prices import PriceTable
from app.telemetry.metrics import RequestMetrics
from app.telemetry.pace import Pace
from app.telemetry.requests import Telemetry
from deployments.telemetry import catalog
from tests.doubles import DoubleDirectory
from tests.recording_meter import RecordingMeter, series
from tests.unit.app.telemetry.requests import finished

SETTINGS = GatewayLive.model_validate(
    {
        "releases": {
            "large": {"retrieval": "r", "generator": "generator-echo"},
            "small": {"retrieval": "r", "generator": "generator-a"},
        },
        "traffic": {"small": 1.0},
        "routing": [
            {"use": "ragserve:small", "complexity": "simple"},
            {"use": ["ragserve:large", "ragserve:small"], "prefer": "fastest"},
        ],
        "routing_exploration": 0.0,
    }
)
WHY = "Why is the sky blue?"


@pytest.fixture
def pace() -> Pace:
    return Pace()


@pytest.fixture
def breakers() -> dict[tuple[str, str], BreakerState]:
    return {}


@pytest.fixture
def meter() -> RecordingMeter:
    return RecordingMeter()


@pytest.fixture
async def routed(
    pace: Pace,
    breakers: dict[tuple[str, str], BreakerState],
    meter: RecordingMeter,
    args: GatewayArgs,
) -> AsyncIterator[httpx.AsyncClient]:
    gateway = make_gateway(
        Releases(DoubleDirectory(), lambda: SETTINGS),
        args,
        telemetry=Telemetry([RequestMetrics(meter, PriceTable), pace]),
        breakers=lambda: breakers,
        pace=pace,
    )
    transport = httpx.ASGITransport(create_app(gateway, args))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def routing_of(
    client: httpx.AsyncClient, question: str, model: str = "auto", **headers: str
) -> Any:
    body = {"model": model, "messages": [{"role": "user", "content": question}]}
    answer = await client.post("/v1/chat/completions", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["ragserve"]["routing"]


def were(pace: Pace, release: str, total_ms: float) -> None:
    for _ in range(5):
        request = finished(total_ms=total_ms)
        request.notes.release = release
        pace.take(request)


@pytest.mark.parametrize("model", ["auto", "dynamic"])
async def test_a_simple_question_and_another_one_have_their_own_rules(
    routed: httpx.AsyncClient, model: str
) -> None:
    simple = await routing_of(routed, "What is the capital of France?", model)
    assert simple == {
        "model": "ragserve:small",
        "rule": 0,
        "reason": "complexity simple",
        "how": "rule",
    }
    assert (await routing_of(routed, WHY, model))["rule"] == 1


async def test_the_faster_one_of_the_last_minutes_is_taken(
    routed: httpx.AsyncClient, pace: Pace
) -> None:
    were(pace, "large", 900)
    were(pace, "small", 80)
    found = await routing_of(routed, WHY)
    assert (found["model"], found["how"]) == ("ragserve:small", "fastest")
    assert "p50 80 ms" in found["reason"]


async def test_answers_are_what_the_figures_are_made_of(
    routed: httpx.AsyncClient, pace: Pace
) -> None:
    for _ in range(5):
        await routing_of(routed, "What is the capital of France?")
    figures = pace.of("ragserve:small")
    assert figures is not None
    assert figures.p50_ms is not None
    assert figures.p50_ms > 0


async def test_one_that_keeps_failing_is_passed_over(
    routed: httpx.AsyncClient, breakers: dict[tuple[str, str], BreakerState]
) -> None:
    assert (await routing_of(routed, WHY))["model"] == "ragserve:large"
    breakers[("generator-echo", "Generator")] = "open"
    assert (await routing_of(routed, WHY))["model"] == "ragserve:small"


async def test_a_budget_of_time_counts_against_live_figures(
    routed: httpx.AsyncClient, pace: Pace
) -> None:
    were(pace, "large", 900)
    were(pace, "small", 80)
    headers = {"X-Latency-Budget-Ms": "50"}
    found = await routing_of(routed, "What is the capital of France?", **headers)
    assert "none is within the latency budget" in found["reason"]
    assert found["model"] == "ragserve:small"


async def test_choices_are_counted(routed: httpx.AsyncClient, meter: RecordingMeter) -> None:
    await routing_of(routed, "What is the capital of France?")
    await routing_of(routed, "What is the capital of France?", "ragserve")
    counted = meter.sums(catalog.ROUTED)
    assert counted == {series(how="rule", model="ragserve:small"): 1.0}
