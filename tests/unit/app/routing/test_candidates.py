"""What is known of the models that rules name."""

import time
from typing import Any

import pytest

from app.releases.releases import Releases
from app.request.scope import RequestScope
from app.routing.candidates import look_at
from app.settings.live.gateway import GatewayLive
from app.settings.live.routing import RequestFacts
from app.telemetry.pace import Pace
from deployments.contracts.errors import Unavailable
from tests.doubles import DoubleDirectory
from tests.unit.app.telemetry.requests import finished

FACTS = RequestFacts(
    prompt_chars=4_000, turns=1, needs_retrieval=True, wants_json=False, max_tokens=100
)


@pytest.fixture
def live() -> dict[str, Any]:
    return {
        "releases": {
            "llm": {"retrieval": "r", "generator": ["generator-echo", "generator-a"]},
            "plain": {"retrieval": "r", "generator": "generator-a"},
        },
        "traffic": {"plain": 1.0},
        "aliases": {"gpt-4o": "ragserve:llm"},
        "prices": {
            "version": "1",
            "models": {
                "echo": {
                    "prompt_usd_per_million_tokens": 1.0,
                    "completion_usd_per_million_tokens": 10.0,
                }
            },
        },
    }


async def look(
    live: dict[str, Any],
    *names: str,
    pace: Pace | None = None,
    breakers: Any = None,
    stages: DoubleDirectory | None = None,
) -> dict[str, Any]:
    settings = GatewayLive.model_validate(live)
    return await look_at(
        names,
        FACTS,
        Releases(stages or DoubleDirectory(), lambda: settings),
        RequestScope("r-1", time.monotonic() + 2),
        pace=pace or Pace(),
        breakers=breakers or {},
    )


async def test_a_model_without_answers_costs_what_its_prices_say_of_the_request(
    live: dict[str, Any],
) -> None:
    found = await look(live, "ragserve:llm", "ragserve:plain", "echo", "ragserve")
    assert found["ragserve:llm"].cost_usd == pytest.approx((1_000 * 1 + 100 * 10) / 1e6)
    assert found["echo"].cost_usd == found["ragserve:llm"].cost_usd
    assert found["ragserve:plain"].cost_usd == 0.0
    assert found["ragserve"].p50_ms is None


async def test_what_answers_took_and_used_is_known_under_every_name(live: dict[str, Any]) -> None:
    pace = Pace()
    for _ in range(5):
        request = finished(total_ms=40.0)
        request.notes.release = "llm"
        pace.take(request)
    found = await look(live, "gpt-4o", "ragserve:llm", pace=pace)
    assert found["gpt-4o"].p95_ms == found["ragserve:llm"].p95_ms == 40
    assert found["gpt-4o"].cost_usd == pytest.approx((600 * 1 + 5 * 10) / 1e6)


async def test_a_release_is_left_alone_where_all_its_generators_are(live: dict[str, Any]) -> None:
    names = ("ragserve:llm", "ragserve:plain", "echo", "gpt-4o")
    away = {("generator-echo", "Generator"): "open"}
    found = await look(live, *names, breakers=away)
    assert [found[name].left_alone for name in names] == [False, False, True, False]
    away[("generator-a", "Generator")] = "open"
    found = await look(live, *names, breakers=away)
    assert all(found[name].left_alone for name in names)
    # One that may be asked again is, so that its breaker finds out.
    away[("generator-a", "Generator")] = "half_open"
    found = await look(live, *names, breakers=away)
    assert not found["ragserve:plain"].left_alone


async def test_a_generator_that_fails_is_not_taken_by_its_own_name(live: dict[str, Any]) -> None:
    stages = DoubleDirectory()
    stages.echo.failure = Unavailable("gone", "generator", 1.0)
    found = await look(live, "echo", stages=stages)
    assert not found["echo"].left_alone
    away = {("generator-echo", "Generator"): "open"}
    found = await look(live, "echo", stages=stages, breakers=away)
    assert found["echo"].left_alone
