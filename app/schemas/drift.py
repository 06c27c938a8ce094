"""Wire forms of `/admin/drift`."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, model_validator

from app.schemas.admin import ReleaseName
from app.schemas.wire import RequestModel, ResponseModel
from deployments.drift import DAY_S, CheckName, DriftVerdict

_HOUR_S = 3600.0
_LONGEST_S = 90 * DAY_S
_LARGEST_RATIO = 60
"""Both windows are read in pieces as long as a part of the latest one."""
Seconds = Annotated[float, Field(ge=_HOUR_S, le=_LONGEST_S)]


class DriftWish(RequestModel):
    """Which windows are compared: the latest one, and the one before it."""

    release: ReleaseName | None = Field(
        default=None,
        description="By default what has most traffic.",
        examples=["minilm-extractive"],
    )
    reference_s: Seconds = Field(default=7 * DAY_S, description="Seconds of the window before.")
    current_s: Seconds = Field(default=DAY_S, description="Seconds of the latest window.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.reference_s > _LARGEST_RATIO * self.current_s:
            raise ValueError(f"reference_s may be {_LARGEST_RATIO} times current_s at most")
        return self


class DriftWindow(ResponseModel):
    """A stretch of time, and the sampled queries in it."""

    begins: datetime
    ends: datetime
    samples: int


class DriftCheckInfo(ResponseModel):
    """What one comparison found."""

    name: CheckName
    verdict: DriftVerdict
    reason: str = Field(examples=["no larger than chance explains"])
    effect: float | None = Field(
        description="Of `queries` the area under the curve of a classifier, 0.5 is chance; of "
        "`top_score` and `answer_words` the Kolmogorov-Smirnov distance; of `ungrounded` the "
        "difference of the shares."
    )
    least_effect: float = Field(description="A smaller effect does not matter.")
    p_value: float | None = Field(description="Probability of such an effect by chance.")
    p_adjusted: float | None = Field(description="The same, in view of the other comparisons.")
    reference: float | None = Field(description="The typical value of the window before.")
    current: float | None = Field(description="The typical value of the latest window.")
    figures: dict[str, float]


class DriftInfo(ResponseModel):
    """Whether queries and answers have changed."""

    release: str
    verdict: DriftVerdict
    reference: DriftWindow
    current: DriftWindow
    checks: list[DriftCheckInfo]
    run_id: str = Field(description="Of the run in MLflow; empty where there is none.")
