"""Which model `auto` stands for: rules from the config, applied to what is known of a request.

A pure function of both: the same request under the same rules is always routed the same way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from pydantic import Field, model_validator

from deployments.settings import Settings


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """What rules can look at.

    `turns` counts the messages of the user; the budgets are the client's, None where it named
    none.
    """

    prompt_chars: int
    turns: int
    needs_retrieval: bool
    wants_json: bool
    latency_budget_ms: float | None = None
    cost_budget_usd: float | None = None


class RoutingRule(Settings):
    """A model, and the conditions under which it is taken. All of them must hold; one that is not
    given always does."""

    use: str = Field(min_length=1, max_length=256)
    """What stands for `auto`: `ragserve`, `ragserve:<release>`, or a generator's own name."""

    min_prompt_chars: int | None = Field(default=None, ge=0)
    """Characters of all messages together, at least."""

    max_prompt_chars: int | None = Field(default=None, ge=0)
    """The same, at most."""

    min_turns: int | None = Field(default=None, ge=1)
    """Messages of the user, at least."""

    needs_retrieval: bool | None = None
    """Whether the answer is to come from the documents, which is the case unless the request says
    `ragserve.retrieval: false`."""

    wants_json: bool | None = None
    """Whether the request asks for JSON or another fixed form."""

    max_latency_budget_ms: float | None = Field(default=None, gt=0)
    """Takes requests whose `X-Latency-Budget-Ms` is this or less."""

    max_cost_budget_usd: float | None = Field(default=None, gt=0)
    """Takes requests whose `X-Cost-Budget-Usd` is this or less."""

    @model_validator(mode="after")
    def _is_not_itself(self) -> Self:
        if self.use == AUTO:
            raise ValueError(f"a rule cannot stand for `{AUTO}` itself")
        return self

    def fits(self, facts: RequestFacts) -> bool:
        """Returns whether all conditions hold."""
        return (
            (self.min_prompt_chars is None or facts.prompt_chars >= self.min_prompt_chars)
            and (self.max_prompt_chars is None or facts.prompt_chars <= self.max_prompt_chars)
            and (self.min_turns is None or facts.turns >= self.min_turns)
            and self.needs_retrieval in (None, facts.needs_retrieval)
            and self.wants_json in (None, facts.wants_json)
            and _within(facts.latency_budget_ms, self.max_latency_budget_ms)
            and _within(facts.cost_budget_usd, self.max_cost_budget_usd)
        )

    def conditions(self) -> str:
        """Returns the conditions in words, for the explanation that answers carry."""
        given = self.model_dump(exclude={"use"}, exclude_none=True)
        return ", ".join(f"{name} {value}" for name, value in given.items()) or "always"


@dataclass(frozen=True, slots=True)
class RoutingDecision:
    """The model that was chosen, and why: the place of the rule from 0, None where no rule
    fitted."""

    model: str
    rule: int | None
    reason: str


AUTO = "auto"


def choose_model(
    rules: Sequence[RoutingRule], facts: RequestFacts, *, default: str
) -> RoutingDecision:
    """Returns the model of the first rule that fits, or the default."""
    for place, rule in enumerate(rules):
        if rule.fits(facts):
            return RoutingDecision(rule.use, place, rule.conditions())
    return RoutingDecision(default, None, "no rule fitted")


def _within(budget: float | None, bound: float | None) -> bool:
    return bound is None or (budget is not None and budget <= bound)
