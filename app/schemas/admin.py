"""Wire forms of `/admin`."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from app.schemas.documents import Outcome
from app.schemas.wire import RequestModel, ResponseModel
from deployments.canary.policy import Mode, Policy
from deployments.contracts.inputs import bounded

ReleaseName = Annotated[str, Field(min_length=1, max_length=256, examples=["minilm-v2"])]
By = Annotated[
    str, Field(max_length=128, description="Who wants it, for the record.", examples=["alice"])
]


class RolloutStart(RequestModel):
    """A release to try."""

    canary: ReleaseName
    stable: ReleaseName | None = Field(
        default=None, description="What it is compared with; by default what has most traffic."
    )
    policy: Policy | None = Field(
        default=None, description="What it must show; by default what the service is configured to."
    )
    mode: Mode | None = Field(
        default=None, description="Who acts; by default what the policy says.", examples=["auto"]
    )
    by: By = "operator"


class RolloutCommand(RequestModel):
    """Why a person steps in."""

    reason: str = Field(default="", max_length=500, examples=["the release notes are out"])
    stage: int | None = Field(
        default=None, ge=0, description="The stage that was seen; in another one it is a conflict."
    )
    by: By = "operator"


NewWeights = Annotated[dict[ReleaseName, Annotated[float, Field(ge=0.0, le=1.0)]], bounded(100)]


class TrafficChange(RequestModel):
    """Weights that hold until other ones are deployed."""

    weights: NewWeights = Field(min_length=1, examples=[{"minilm-v1": 0.9, "minilm-v2": 0.1}])
    by: By = "operator"


class VerdictInfo(ResponseModel):
    """What is known of one metric. `change` is positive where the canary is worse; it, its bounds
    and the margin are shares of the baseline, or differences."""

    metric: str = Field(examples=["total_ms"])
    outcome: Literal["pass", "fail", "insufficient", "inconclusive"]
    reason: str
    rolls_back: bool = Field(description="Whether it decides, or is only shown.")
    canary_requests: int
    baseline_requests: int
    canary: float | None
    baseline: float | None
    change: float | None
    lower: float | None
    upper: float | None
    margin: float | None
    threshold_ms: float | None


class DecisionInfo(ResponseModel):
    """What was decided, and why."""

    action: str = Field(examples=["advance"])
    wanted: str = Field(description="What would be done if the policy's mode allowed it.")
    reason: str
    stage: int
    at: datetime
    by: str = Field(description="Empty where nobody did it by hand.")


class RolloutInfo(ResponseModel):
    """A rollout in a list."""

    id: str = Field(examples=["20260102-150405-3f2a"])
    canary: str
    stable: str
    phase: Literal["running", "paused", "promoted", "rolled_back"]
    stage: int = Field(description="Counted from 0.")
    stages: int
    stage_name: str = Field(description="`shadow`, or its weight.", examples=["25 %"])
    weight: float = Field(description="Share of the requests that the canary answers.")
    reason: str
    mode: str
    created_at: datetime
    created_by: str
    stage_since: datetime


class RolloutDetails(RolloutInfo):
    """A rollout with everything that is known of it."""

    decision: DecisionInfo | None = Field(description="The latest look.")
    verdicts: list[VerdictInfo] = Field(description="What the latest look knows of each metric.")
    history: list[DecisionInfo] = Field(description="Decisions that changed it, oldest first.")
    policy: dict[str, Any]
    releases: dict[str, dict[str, Any]] = Field(description="What both are made of.")


class LookVerdict(ResponseModel):
    """What a look knew of one metric; see `VerdictInfo`."""

    metric: str = Field(examples=["total_ms"])
    outcome: Literal["pass", "fail", "insufficient", "inconclusive"]
    canary_requests: int
    baseline_requests: int
    change: float | None
    lower: float | None
    upper: float | None
    margin: float | None


class LookInfo(ResponseModel):
    """What was known at one moment."""

    at: datetime
    stage: int = Field(description="Counted from 0; the evidence of each begins anew.")
    action: str = Field(description="`hold` where nothing was changed.", examples=["hold"])
    verdicts: list[LookVerdict]


class LookList(ResponseModel):
    """Looks from the first one to the latest one that is kept, oldest first."""

    looks: list[LookInfo]


class RolloutList(ResponseModel):
    """The latest rollouts, newest first."""

    rollouts: list[RolloutInfo]


class ReleaseInfo(ResponseModel):
    """A release and its part of the traffic."""

    name: str
    weight: float = Field(description="Share of the requests, a rollout included.")
    role: Literal["", "stable", "canary", "shadow"] = Field(
        description="Its part in the rollout under way."
    )
    retrieval: str
    generator: list[str]
    vector: dict[str, Any] = Field(description="Everything it is made of.")


class ReleaseList(ResponseModel):
    """All releases."""

    releases: list[ReleaseInfo]
    rollout: str | None = Field(description="Id of the rollout under way.")


class ReindexRequest(RequestModel):
    """A page of documents to copy from one retrieval application to another."""

    source: ReleaseName = Field(description="Where documents are.", examples=["retrieval-v1"])
    target: ReleaseName = Field(description="Where they are needed.", examples=["retrieval-v2"])
    cursor: str | None = Field(
        default=None,
        max_length=20,
        pattern=r"^[0-9]{1,18}$|^[1-8][0-9]{18}$",
        description="`next_cursor` of the page before.",
    )
    limit: int = Field(default=16, ge=1, le=200, description="Documents of a page at most.")


class ReindexResponse(ResponseModel):
    """What became of the documents of a page."""

    added: int
    updated: int
    unchanged: int
    failed: int
    failures: list[Outcome] = Field(description="Those that could not be copied, and why.")
    total: int = Field(description="Documents in the source.")
    next_cursor: str | None = Field(description="None after the last page.")


class CalibrationRequest(RequestModel):
    """The collection to find a score for."""

    retrieval: ReleaseName = Field(
        description="The retrieval application.", examples=["retrieval-v1"]
    )
    only_if_stale: bool = Field(
        default=False,
        description="Leave a calibration alone that still fits the collection: it has the same "
        "reranker, and the number of documents has changed by no more than half since.",
    )


class CalibrationInfo(ResponseModel):
    """The score below which a chunk does not support an answer, and what it was fitted to."""

    min_relevance_score: float = Field(examples=[0.526])
    reranker_model: str = Field(examples=["all-MiniLM-L6-v2"])
    document_count: int = Field(description="Documents of the collection then.")
    chunk_count: int
    own_questions: int = Field(description="Questions made from the collection's own chunks.")
    foreign_questions: int = Field(description="Questions on other subjects.")
    kept_ratio: float = Field(description="Share of its own questions that reach the score.")
    refused_ratio: float = Field(description="Share of the foreign ones that do not.")
    fitted_at: datetime


class CalibrationResponse(ResponseModel):
    """The calibration before, and the one that holds now: the same where nothing was fitted."""

    status: Literal["fitted", "current", "impossible"] = Field(
        description="`current`: the former one still fits. `impossible`: none can be fitted."
    )
    before: CalibrationInfo | None
    after: CalibrationInfo | None
    reason: str = Field(description="Why none can be fitted; empty otherwise.")


class CollectionInfo(ResponseModel):
    """A collection that a release searches."""

    retrieval: str = Field(description="The retrieval application.", examples=["retrieval-v1"])
    document_count: int
    chunk_count: int
    calibration: CalibrationInfo | None = Field(description="Null where there is none yet.")
    is_stale: bool = Field(
        description="Whether there is another reranker, or half as many documents more or less."
    )


class CollectionList(ResponseModel):
    """Collections by the name of their application."""

    collections: list[CollectionInfo]


class TrafficInfo(ResponseModel):
    """Weights: those in force, and those in the settings."""

    weights: dict[str, float]
    deployed: dict[str, float]
    set_by: str | None = Field(description="Who set those in force; None: they were deployed.")
    rollout: str | None = Field(description="Id of the rollout that moves weights beside them.")
