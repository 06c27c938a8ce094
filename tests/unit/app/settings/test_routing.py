"""Which model `auto` stands for."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from app.settings.routing import RequestFacts, RoutingDecision, RoutingRule, choose_model

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
    ],
    ids=str,
)
def test_a_rule_fits_when_all_its_conditions_hold(
    conditions: dict[str, Any], facts: dict[str, Any], fits: bool
) -> None:
    assert rule(**conditions).fits(replace(SHORT, **facts)) is fits


def test_the_first_rule_that_fits_decides_and_says_why() -> None:
    rules = [rule(min_turns=5), rule(use="ragserve:a", max_prompt_chars=100), rule(use="b")]
    decision = choose_model(rules, SHORT, default="ragserve")
    assert decision == RoutingDecision("ragserve:a", 1, "max_prompt_chars 100")


def test_without_a_rule_that_fits_the_default_stands() -> None:
    decision = choose_model([rule(min_turns=5)], SHORT, default="ragserve")
    assert decision == RoutingDecision("ragserve", None, "no rule fitted")


def test_a_rule_cannot_lead_back_to_auto() -> None:
    with pytest.raises(ValidationError, match="itself"):
        rule(use="auto")
