"""The rules by which `auto` becomes a model, and what they look at."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from deployments.settings import Settings

AUTO = "auto"
DYNAMIC = "dynamic"
"""Another name for `auto`, which some clients have."""
Complexity = Literal["simple", "medium", "complex"]
Preference = Literal["first", "fastest", "cheapest"]
RoutingHow = Literal["rule", "fastest", "cheapest", "explored", "default"]


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """What rules can look at.

    `turns` counts the messages of the user; the budgets are the client's, None where it named
    none, and so is `max_tokens`.
    """

    prompt_chars: int
    turns: int
    needs_retrieval: bool
    wants_json: bool
    complexity: Complexity = "simple"
    max_tokens: int | None = None
    latency_budget_ms: float | None = None
    cost_budget_usd: float | None = None


def _as_list(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


ModelName = Annotated[str, Field(min_length=1, max_length=256)]


class RoutingRule(Settings):
    """One or more models, and the conditions under which one of them is taken. All of them must
    hold; one that is not given always does."""

    use: Annotated[tuple[ModelName, ...], BeforeValidator(_as_list)] = Field(
        min_length=1, max_length=8
    )
    """What stands for `auto`: `ragserve`, `ragserve:<release>`, or a generator's own name; one of
    them or a list. One that a circuit breaker keeps requests from is passed over, and so is one
    that takes or costs more than the client's budgets allow."""

    prefer: Preference = "first"
    """Which of the list is taken: the first one, the one whose answers took the least time lately
    (median of five minutes), or the one that costs least by the price table."""

    complexity: Complexity | None = None
    """How much the question asks for, judged by its words."""

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
        if {AUTO, DYNAMIC} & set(self.use):
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
            and self.complexity in (None, facts.complexity)
            and _within(facts.latency_budget_ms, self.max_latency_budget_ms)
            and _within(facts.cost_budget_usd, self.max_cost_budget_usd)
        )

    def conditions(self) -> str:
        """Returns the conditions in words, for the explanation that answers carry."""
        given = self.model_dump(exclude={"use", "prefer"}, exclude_none=True)
        return ", ".join(f"{name} {value}" for name, value in given.items()) or "always"


@dataclass(frozen=True, slots=True)
class RoutingDecision:
    """The model that was chosen, and why.

    Attributes:
        model: What a request would have written to get it.
        rule: The place of the rule from 0; None where no rule had a say.
        reason: Why, in words.
        how: Whether the rule alone decided, figures did, or it was tried to see how fast it is.
    """

    model: str
    rule: int | None
    reason: str
    how: RoutingHow = "default"


def _within(budget: float | None, bound: float | None) -> bool:
    return bound is None or (budget is not None and budget <= bound)
