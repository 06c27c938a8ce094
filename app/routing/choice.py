"""The choice among models, as a function of rules and figures alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from app.settings.live.routing import RequestFacts, RoutingDecision, RoutingRule

_LAST = float("inf")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that may be chosen, and what is known of it at this moment.

    Attributes:
        name: What a request would write to get it.
        left_alone: Whether a circuit breaker keeps requests from it.
        p50_ms: Median time of its answers in the last minutes; None where there are too few.
        p95_ms: The time that 95 % of them took at most.
        cost_usd: What an answer costs, by the price table; None where its model has no price.
        idle_s: Time since its last answer; infinite where there was none.
    """

    name: str
    left_alone: bool = False
    p50_ms: float | None = None
    p95_ms: float | None = None
    cost_usd: float | None = None
    idle_s: float = _LAST


def choose_model(
    rules: Sequence[RoutingRule],
    facts: RequestFacts,
    candidates: Mapping[str, Candidate],
    *,
    default: str,
    explores: bool = False,
) -> RoutingDecision:
    """Returns the model of the first rule that fits and has one that can answer within the
    client's budgets; the nearest to them where none can, or the default where no rule fits.

    Args:
        rules: The settings, in their order.
        facts: What is known of the request.
        candidates: Every model that a rule names.
        default: The name where no rule has a say.
        explores: Whether this request looks at a model that would not be chosen: one that was slow
            a while ago may be fast again, and nobody would know.
    """
    missed: list[tuple[int, Candidate]] = []
    fitting = [(place, rule) for place, rule in enumerate(rules) if rule.fits(facts)]
    for place, rule in fitting:
        able = [candidates[name] for name in rule.use if not candidates[name].left_alone]
        within = [one for one in able if _keeps_within(one, facts)]
        if explores and (tried := _to_explore(able, within, rule, facts)):
            return RoutingDecision(
                tried.name, place, f"{rule.conditions()}; to see how fast it is now", "explored"
            )
        if within:
            return _preferred(within, rule, facts, place)
        missed += [(place, one) for one in able]
    if missed:
        return _nearest(missed, facts)
    reason = "no model of the rules that fit can answer" if fitting else "no rule fitted"
    return RoutingDecision(default, None, reason)


def _preferred(
    within: Sequence[Candidate], rule: RoutingRule, facts: RequestFacts, place: int
) -> RoutingDecision:
    if facts.latency_budget_ms is not None:
        # What is not known may be slow: it has its turn when a request explores.
        within = [one for one in within if one.p95_ms is not None] or within
    if rule.prefer == "fastest":
        chosen = min(within, key=_pace)
        why = _milliseconds("fastest, p50", chosen.p50_ms)
    elif rule.prefer == "cheapest":
        chosen = min(within, key=_price)
        why = "no prices" if chosen.cost_usd is None else f"cheapest, {chosen.cost_usd:.6f} USD"
    else:
        return RoutingDecision(within[0].name, place, rule.conditions(), "rule")
    return RoutingDecision(chosen.name, place, f"{rule.conditions()}; {why}", rule.prefer)


def _nearest(missed: Sequence[tuple[int, Candidate]], facts: RequestFacts) -> RoutingDecision:
    """Returns what exceeds the client's budgets least."""
    by_cost = facts.latency_budget_ms is None
    key: Callable[[Candidate], float] = _price if by_cost else _slowest
    place, chosen = min(missed, key=lambda entry: key(entry[1]))
    if by_cost:
        return RoutingDecision(
            chosen.name, place, "none is within the cost budget; the cheapest", "cheapest"
        )
    why = _milliseconds("none is within the latency budget; the fastest, p95", chosen.p95_ms)
    return RoutingDecision(chosen.name, place, why, "fastest")


def _to_explore(
    able: Sequence[Candidate],
    within: Sequence[Candidate],
    rule: RoutingRule,
    facts: RequestFacts,
) -> Candidate | None:
    """Returns the model whose figures are oldest, where figures decide and it is not chosen anyhow;
    one that costs too much is not tried."""
    by_pace = rule.prefer == "fastest" or facts.latency_budget_ms is not None
    affordable = [one for one in able if _affordable(one, facts)]
    if not by_pace or len(affordable) < 2:
        return None
    chosen = min(within, key=_pace, default=None)
    others = [one for one in affordable if one is not chosen]
    return max(others, key=lambda one: one.idle_s)


def _keeps_within(candidate: Candidate, facts: RequestFacts) -> bool:
    budget_ms = facts.latency_budget_ms
    in_time = budget_ms is None or candidate.p95_ms is None or candidate.p95_ms <= budget_ms
    return in_time and _affordable(candidate, facts)


def _affordable(candidate: Candidate, facts: RequestFacts) -> bool:
    budget_usd = facts.cost_budget_usd
    return budget_usd is None or candidate.cost_usd is None or candidate.cost_usd <= budget_usd


def _pace(candidate: Candidate) -> float:
    return _LAST if candidate.p50_ms is None else candidate.p50_ms


def _slowest(candidate: Candidate) -> float:
    return _LAST if candidate.p95_ms is None else candidate.p95_ms


def _price(candidate: Candidate) -> float:
    return _LAST if candidate.cost_usd is None else candidate.cost_usd


def _milliseconds(words: str, value_ms: float | None) -> str:
    return f"{words} unknown" if value_ms is None else f"{words} {value_ms:.0f} ms"
