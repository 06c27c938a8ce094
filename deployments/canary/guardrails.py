"""What is tolerated of each metric, and what it may cost to find out."""

from typing import Any, Literal

from pydantic import Field

from deployments.settings import Settings


class Guardrail(Settings):
    """What is tolerated of one metric."""

    margin: float = Field(gt=0)
    """A canary that is worse by this much is still acceptable. Relative for times, tokens, cost and
    tails: 0.1 is 10 % more; a difference of shares or scores otherwise: 0.01 is one request in a
    hundred."""

    rolls_back: Literal["when_worse", "beyond_margin", "never"] = "when_worse"
    """When the metric rolls a canary back. `when_worse`: the canary is proven to be worse at all,
    and seems to be worse by more than the margin; this finds harm with the fewest requests.
    `beyond_margin`: it is proven to be worse by more than the margin. `never`: the metric is shown,
    and neither stops nor holds up a rollout."""

    weight: float = Field(default=1.0, gt=0)
    """Share of the allowed false alarms, relative to the other guardrails. More weight finds harm
    with fewer requests, at the expense of the others."""

    needed: bool = True
    """Whether a metric that neither arm ever measures holds up the rollout. Where only one arm
    measures it, it always does. Of `feedback` `min_ratings` decides instead."""

    min_ratings: int | None = Field(default=None, ge=1)
    """Of `feedback` alone: rated answers of each arm that a stage waits for, and after which it
    does not go on while the canary seems to be liked less by more than the margin. None waits for
    nobody: ratings then roll back a canary, and never hold it up."""


def default_guardrails() -> dict[str, Guardrail]:
    """Returns what is tolerated where a policy says nothing else."""
    return {
        "total_ms": Guardrail(margin=0.10, weight=10),
        "total_ms.tail": Guardrail(margin=0.5, weight=2),
        "ttft_ms": Guardrail(margin=0.10, weight=2, needed=False),
        "ttft_ms.tail": Guardrail(margin=0.5, weight=1, needed=False),
        "tpot_ms": Guardrail(margin=0.10, weight=1, needed=False),
        "error": Guardrail(margin=0.01, weight=2),
        "truncated": Guardrail(margin=0.03),
        "refused": Guardrail(margin=0.05),
        "blocked": Guardrail(margin=0.02, needed=False),
        "degraded": Guardrail(margin=0.02),
        "queue_ms": Guardrail(margin=0.25, rolls_back="never"),
        "aborted": Guardrail(margin=0.02, rolls_back="never"),
        "prompt_tokens": Guardrail(margin=0.10, rolls_back="never"),
        "completion_tokens": Guardrail(margin=0.10, rolls_back="never"),
        "cost": Guardrail(margin=0.10, rolls_back="never", needed=False),
        "citations": Guardrail(margin=0.10, rolls_back="never"),
        "feedback": Guardrail(margin=0.10, needed=False),
        "overlap": Guardrail(margin=0.5, rolls_back="never", needed=False),
        "agreement": Guardrail(margin=0.5, rolls_back="never", needed=False),
        "judge": Guardrail(margin=0.1, rolls_back="never", needed=False),
    }


def over_defaults(value: Any) -> Any:
    """Returns the guardrails that are named, and the defaults of the others."""
    return default_guardrails() | value if isinstance(value, dict) else value
