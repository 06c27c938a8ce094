"""Which model `auto` becomes, as a function of rules and figures."""

from dataclasses import replace
from typing import Any

from app.routing.choice import Candidate, choose_model
from app.settings.live.routing import RequestFacts, RoutingDecision, RoutingRule

SHORT = RequestFacts(prompt_chars=40, turns=1, needs_retrieval=True, wants_json=False)
FAST = Candidate("fast", p50_ms=80, p95_ms=200, cost_usd=0.002, idle_s=3)
SLOW = Candidate("slow", p50_ms=900, p95_ms=2_000, cost_usd=0.001, idle_s=60)
NEW = Candidate("new", cost_usd=0.01)
FREE = Candidate("free", p50_ms=500, p95_ms=800)


def rule(*use: str, **conditions: Any) -> RoutingRule:
    return RoutingRule.model_validate({"use": list(use)} | conditions)


def choose(
    rules: list[RoutingRule],
    *known: Candidate,
    facts: RequestFacts = SHORT,
    explores: bool = False,
) -> RoutingDecision:
    candidates = {one.name: one for one in (FAST, SLOW, NEW, FREE)} | {
        one.name: one for one in known
    }
    return choose_model(rules, facts, candidates, default="ragserve", explores=explores)


def test_the_first_rule_that_fits_decides_and_says_why() -> None:
    rules = [rule("slow", min_turns=5), rule("fast", max_prompt_chars=100), rule("new")]
    assert choose(rules) == RoutingDecision("fast", 1, "max_prompt_chars 100", "rule")


def test_without_a_rule_that_fits_the_default_stands() -> None:
    decision = choose([rule("slow", min_turns=5)])
    assert decision == RoutingDecision("ragserve", None, "no rule fitted", "default")


def test_the_fastest_is_the_one_whose_answers_took_least() -> None:
    decision = choose([rule("slow", "fast", "new", prefer="fastest")])
    assert (decision.model, decision.how) == ("fast", "fastest")
    assert "p50 80 ms" in decision.reason


def test_where_nothing_is_known_the_first_is_the_fastest() -> None:
    decision = choose(
        [rule("slow", "fast", prefer="fastest")],
        replace(FAST, p50_ms=None),
        replace(SLOW, p50_ms=None),
    )
    assert (decision.model, decision.reason) == ("slow", "always; fastest, p50 unknown")


def test_the_cheapest_is_by_the_price_table_and_no_price_is_not_cheap() -> None:
    decision = choose([rule("free", "fast", "slow", prefer="cheapest")])
    assert (decision.model, decision.how) == ("slow", "cheapest")
    assert "0.001000 USD" in decision.reason


def test_what_a_breaker_keeps_requests_from_is_never_chosen() -> None:
    away = replace(FAST, left_alone=True)
    assert choose([rule("fast", "slow")], away).model == "slow"
    assert choose([rule("fast", "slow", prefer="fastest")], away).model == "slow"
    assert choose([rule("fast"), rule("new")], away).model == "new"
    assert choose([rule("fast", "slow", prefer="fastest")], away, explores=True).model == "slow"
    none = choose([rule("fast")], away)
    assert (none.model, none.reason) == ("ragserve", "no model of the rules that fit can answer")


def test_what_takes_longer_than_the_budget_is_passed_over() -> None:
    hurried = replace(SHORT, latency_budget_ms=300)
    assert choose([rule("slow", "fast")], facts=hurried).model == "fast"
    # Of what is known to be in time and what is not known, the first; alone, the other will do.
    assert choose([rule("new", "fast")], facts=hurried).model == "fast"
    assert choose([rule("new", "slow")], facts=hurried).model == "new"
    assert choose([rule("slow"), rule("fast")], facts=hurried).rule == 1


def test_what_costs_more_than_the_budget_is_passed_over() -> None:
    thrifty = replace(SHORT, cost_budget_usd=0.0015)
    assert choose([rule("fast", "slow")], facts=thrifty).model == "slow"
    assert choose([rule("fast", "free")], facts=thrifty).model == "free"


def test_where_none_keeps_within_a_budget_the_nearest_does() -> None:
    hurried = replace(SHORT, latency_budget_ms=50)
    decision = choose([rule("slow"), rule("fast")], facts=hurried)
    assert (decision.model, decision.rule, decision.how) == ("fast", 1, "fastest")
    assert "none is within the latency budget" in decision.reason
    thrifty = replace(SHORT, cost_budget_usd=0.000_1)
    decision = choose([rule("fast", "slow")], facts=thrifty)
    assert (decision.model, decision.how) == ("slow", "cheapest")
    assert "none is within the cost budget" in decision.reason


def test_a_request_that_explores_goes_where_nobody_went_for_longest() -> None:
    rules = [rule("fast", "slow", prefer="fastest")]
    decision = choose(rules, explores=True)
    assert (decision.model, decision.how) == ("slow", "explored")
    never = [rule("fast", "slow", "new", prefer="fastest")]
    assert choose(never, explores=True).model == "new"
    # One that was too slow for the budget is looked at again, one that costs too much is not.
    hurried = replace(SHORT, latency_budget_ms=300)
    assert choose([rule("fast", "slow")], facts=hurried, explores=True).model == "slow"
    thrifty = replace(hurried, cost_budget_usd=0.005)
    assert choose([rule("fast", "new")], facts=thrifty, explores=True).model == "fast"


def test_where_figures_decide_nothing_there_is_nothing_to_explore() -> None:
    assert choose([rule("fast", "slow")], explores=True).how == "rule"
    assert choose([rule("fast", prefer="fastest")], explores=True).how == "fastest"
