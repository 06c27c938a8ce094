"""When a rule of `auto` fits."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from app.settings.live.routing import RequestFacts, RoutingRule

SHORT = RequestFacts(prompt_chars=40, turns=1, needs_retrieval=True, wants_json=False)


def rule(**conditions: Any) -> RoutingRule:
    return RoutingRule.model_validate({"use": "big"} | conditions)


@pytest.mark.parametrize(
    ("conditions", "facts", "fits"),
    [
        ({}, {}, True),
        ({"min_prompt_chars": 40}, {}, True),
        ({"min_prompt_chars": 41}, {}, False),
        ({"max_prompt_chars": 40}, {}, True),
        ({"max_prompt_chars": 39}, {}, False),
        ({"min_turns": 2}, {}, False),
        ({"min_turns": 2}, {"turns": 3}, True),
        ({"needs_retrieval": False}, {}, False),
        ({"needs_retrieval": False}, {"needs_retrieval": False}, True),
        ({"wants_json": True}, {}, False),
        ({"wants_json": True}, {"wants_json": True}, True),
        ({"max_latency_budget_ms": 500}, {}, False),
        ({"max_latency_budget_ms": 500}, {"latency_budget_ms": 500.0}, True),
        ({"max_latency_budget_ms": 500}, {"latency_budget_ms": 501.0}, False),
        ({"max_cost_budget_usd": 0.01}, {"cost_budget_usd": 0.001}, True),
        ({"wants_json": True, "min_turns": 2}, {"wants_json": True}, False),
        ({"complexity": "complex"}, {}, False),
        ({"complexity": "complex"}, {"complexity": "complex"}, True),
    ],
    ids=str,
)
def test_a_rule_fits_when_all_its_conditions_hold(
    conditions: dict[str, Any], facts: dict[str, Any], fits: bool
) -> None:
    assert rule(**conditions).fits(replace(SHORT, **facts)) is fits


def test_a_rule_cannot_lead_back_to_auto() -> None:
    with pytest.raises(ValidationError, match="itself"):
        rule(use="auto")
    with pytest.raises(ValidationError, match="itself"):
        rule(use=["ragserve", "dynamic"])


def test_one_model_is_a_list_of_one() -> None:
    assert rule(use="big").use == ("big",)
    assert rule(use=["big", "small"]).use == ("big", "small")
    with pytest.raises(ValidationError, match="use"):
        rule(use=[])
