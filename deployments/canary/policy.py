"""What a rollout must show, step by step, and who may decide."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from deployments.canary.evidence import TAIL_EDGES
from deployments.canary.guardrails import Guardrail, default_guardrails, over_defaults
from deployments.canary.metrics import METRICS, RATINGS
from deployments.settings import Settings

Mode = Literal["observe_only", "abort_only", "auto"]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Seconds = Annotated[float, Field(gt=0)]


class Objective(Settings):
    """What every release must keep, whatever stable does."""

    metric: str
    """A share, such as `error`, or a time, such as `total_ms`."""

    max_share: Share
    """Share of the requests at most for which it may be true, or which may take longer than
    `max_ms`."""

    max_ms: float | None = Field(default=None, gt=0, le=float(TAIL_EDGES[-1]))
    """For times: what is too long. It is rounded up to the next of the thresholds that are counted,
    which lie 41 % apart and end at 12 minutes."""

    @model_validator(mode="after")
    def _fits_the_metric(self) -> Self:
        metric = METRICS.get(self.metric)
        if (
            metric is None
            or metric.worse != "higher"
            or (metric.kind != "share" and f"{self.metric}.tail" not in METRICS)
        ):
            raise ValueError(f"no objective can be set for {self.metric}")
        if (metric.kind == "share") != (self.max_ms is None):
            raise ValueError("a time needs max_ms, a share has none")
        return self


class Stage(Settings):
    """What every part of a rollout has in common."""

    min_requests: int = Field(default=100, ge=1)
    """Requests of the canary before it can go on."""

    min_duration_s: float = Field(default=60.0, ge=0)
    """Time before it can go on, warm-up excluded."""

    deadline_s: Seconds = 3600.0
    """Time after which a stage that is still undecided is given up; see `on_deadline`."""

    goes_on: Literal["when_acceptable", "unless_worse"] = "when_acceptable"
    """`when_acceptable`: every guardrail has shown that the canary is not worse by more than its
    margin. `unless_worse`: there is enough data for every guardrail, and none seems to be worse by
    more than its margin. That takes less traffic, and suits the first steps, which few requests
    pay for."""

    approval: bool = False
    """Whether a person must agree before it goes on."""


class Shadow(Stage):
    """Requests of stable are repeated on the canary, and its answers thrown away."""

    share: Annotated[float, Field(gt=0, le=1.0)] = 0.1
    """Share of stable's requests that are repeated."""


class Step(Stage):
    """The canary answers a share of the requests."""

    weight: Annotated[float, Field(gt=0, lt=1.0)]
    """Share of the requests."""


class Burst(Settings):
    """Errors that are too many to wait for a comparison."""

    max_share: Annotated[float, Field(gt=0, lt=1.0)] = 0.25
    """Share of failed requests from which a canary is rolled back at once."""

    window_s: Seconds = 60.0
    """The latest time that is looked at, beside the whole stage."""


class Judge(Settings):
    """A model that compares the answers of both releases to the same query."""

    generator: str = Field(min_length=1)
    """Name of the generator application that judges. Any OpenAI-compatible model is one, by the
    engine `openai`."""

    share: Annotated[float, Field(gt=0, le=1.0)] = 1.0
    """Share of the shadow pairs that are judged."""

    max_pairs: int = Field(default=200, ge=1)
    """Pairs judged at most by one gateway replica in one stage. It caps what the judge costs."""

    timeout_s: Seconds = 30.0
    """Time for a judgement. A pair that takes longer counts as not judged."""


class Policy(Settings):
    """How a release becomes the one that answers everybody."""

    mode: Mode = "auto"
    """Who acts. `observe_only`: nobody, the decision is only shown. `abort_only`: a bad canary is
    rolled back, a person takes every step forward. `auto`: both happen by themselves."""

    shadow: Shadow | None = None
    """What comes before the first step."""

    steps: tuple[Step, ...] = Field(
        default=(
            Step(weight=0.01, goes_on="unless_worse"),
            Step(weight=0.05, goes_on="unless_worse"),
            Step(weight=0.25),
            Step(weight=0.50),
        ),
        min_length=1,
    )
    """Shares of the traffic, rising. After the last one the canary is promoted."""

    baseline_ratio: float = Field(default=4.0, ge=1.0, le=20.0)
    """Size of the baseline, the part of stable's traffic that the canary is compared with, in sizes
    of the canary; less where there is not so much left. It costs nothing and stable stays the same,
    so a larger one decides sooner: 4 needs two thirds of the requests that 1 needs."""

    guardrails: Annotated[dict[str, Guardrail], BeforeValidator(over_defaults)] = Field(
        default_factory=default_guardrails
    )
    """What is compared, by metric. What is named here takes the place of its default."""

    objectives: tuple[Objective, ...] = ()
    """What the canary must keep in absolute terms. Where it does not and stable does, it is rolled
    back; where stable does not either, the rollout pauses."""

    judge: Judge | None = None
    """Who measures the metric `judge`, pair by pair, while requests are shadowed."""

    burst: Burst | None = Field(default_factory=Burst)
    """Errors that roll a canary back at once."""

    max_false_alarms: float = Field(default=0.03, gt=0, le=0.2)
    """Probability of rolling back a canary that is as good as stable, at most, for the whole
    rollout, all guardrails and all looks together. In simulations with the default baseline it is
    below a third of this."""

    max_false_promotions: float = Field(default=0.05, gt=0, le=0.2)
    """Probability of finding a canary acceptable, in one stage, that is worse by more than a
    margin."""

    min_effective_requests: int = Field(default=70, ge=30)
    """Independent requests of each arm that any verdict takes. Requests of one caller or one moment
    count less than their number. Below 30 the bounds do not hold; in simulations of replicas whose
    times depend on each other 70 have 0.6 % of false alarms where 50 have 1.0 %."""

    block_s: float = Field(default=10.0, ge=0.1, le=3600)
    """Time whose requests are taken to depend on each other. Longer dependence is found as well,
    given more time."""

    warm_up_s: float = Field(default=30.0, ge=0)
    """Time after the begin of a stage whose requests are not counted."""

    on_deadline: Literal["pause", "roll_back", "wait"] = "pause"
    """What becomes of a stage that is undecided at its deadline."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        unknown = sorted(set(self.guardrails) - set(METRICS))
        if unknown:
            raise ValueError(f"guardrails name metrics that do not exist: {', '.join(unknown)}")
        weights = [step.weight for step in self.steps]
        if weights != sorted(set(weights)):
            raise ValueError("the weights of the steps must rise")
        for name, guardrail in self.guardrails.items():
            if METRICS[name].worse != "higher" and guardrail.margin >= 1.0:
                raise ValueError(f"{name}: nothing can fall by 100 % or more; lower the margin")
            if guardrail.min_ratings is not None and name not in RATINGS:
                raise ValueError(f"{name}: nobody rates it; min_ratings is for feedback")
        if self.judge is not None and self.shadow is None:
            raise ValueError("a judge needs a shadow: it compares two answers to one query")
        if all(guardrail.rolls_back == "never" for guardrail in self.guardrails.values()):
            raise ValueError("at least one guardrail must be able to roll back")
        return self

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Shadow, where there is one, then the steps."""
        return (self.shadow, *self.steps) if self.shadow else self.steps

    @property
    def recorded(self) -> tuple[str, ...]:
        """The metrics that must be measured on requests; ratings come by themselves."""
        named = [METRICS[name].source or name for name in self.guardrails]
        named += [objective.metric for objective in self.objectives]
        named = [name for name in (*named, "error") if name not in RATINGS]
        return tuple(dict.fromkeys(named))

    def false_alarms(self, stage: int, metric: str) -> float:
        """Returns the allowed probability of a false alarm of one guardrail in one stage.

        The first stage, in which requests are few, gets half of it, the next one half of the rest,
        and so on: the sum over stages and guardrails is `max_false_alarms`. Those that never roll
        back are judged as if they were one more of them.
        """
        deciding = sum(
            [rule.weight for rule in self.guardrails.values() if rule.rolls_back != "never"]
        )
        guardrail = self.guardrails[metric]
        if guardrail.rolls_back == "never":
            deciding += guardrail.weight
        halvings = min(stage + 1, len(self.stages) - 1)
        return self.max_false_alarms * guardrail.weight / deciding / 2.0**halvings
