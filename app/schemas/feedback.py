"""Wire forms of `/v1/feedback`."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from app.schemas.conversations import PlainText
from app.schemas.wire import RequestModel, ResponseModel
from deployments.assessments.contract import AssessmentName

FEEDBACK_ID = "fb_3f2a9c0d5b7e41f08a6c2d9e1b3f4a5c"
MAX_COMMENT_CHARS, MAX_CORRECTION_CHARS = 4000, 16_000
RequestId = Annotated[
    str, Field(min_length=1, max_length=160, description="Of the answer.", examples=["3f2a9c"])
]
Score = Annotated[float, Field(ge=0.0, le=1.0)]


class FeedbackCreate(RequestModel):
    """What somebody says of an answer: a thumb or a score, and why."""

    request_id: RequestId
    thumb: Literal["up", "down"] | None = Field(
        default=None, description="A thumb, or else `score`.", examples=["down"]
    )
    score: Score | None = Field(
        default=None, description="From 0, useless, to 1, as it should be.", examples=[None]
    )
    comment: str = Field(
        default="", max_length=MAX_COMMENT_CHARS, examples=["That was true of version 1."]
    )
    correction: str = Field(
        default="",
        max_length=MAX_CORRECTION_CHARS,
        description="What the answer should have been.",
        examples=["Requests over the bound are refused with 503."],
    )
    user: PlainText | None = Field(
        default=None,
        description="Who says it; by default whoever the question was for. Who says something of "
        "an answer again says it instead.",
        examples=["alice"],
    )

    @model_validator(mode="after")
    def _has_one_rating(self) -> Self:
        if (self.thumb is None) == (self.score is None):
            raise ValueError("send a thumb or a score, and not both")
        return self


class FeedbackInfo(ResponseModel):
    """What was said of an answer, as it is kept; times are in seconds since 1970."""

    id: str = Field(examples=[FEEDBACK_ID])
    object: Literal["feedback"] = "feedback"
    request_id: str = Field(examples=["3f2a9c"])
    name: AssessmentName = Field(
        description="`feedback` of people; `groundedness` or `relevance` of judges."
    )
    source: Literal["human", "code", "llm_judge"] = Field(
        description="A person, a score that is computed, or a language model."
    )
    thumb: Literal["up", "down"] | None
    score: float = Field(description="Of a thumb 1 or 0.", examples=[0.0])
    comment: str = Field(description="As it may be kept; see `recording.content`.")
    correction: str = Field(description="The same.")
    release: str = Field(description="Who gave the answer.", examples=["minilm-extractive"])
    trace_id: str | None = Field(
        description="The answer's trace; null where none is kept.",
        examples=["4bf92f3577b34da6a3ce929d0e0e4736"],
    )
    answered_at: int = Field(examples=[1767225600])
    rated_at: int = Field(description="When it was said last.", examples=[1767225660])
    times: int = Field(description="How often it was said; the last time counts.", examples=[1])


class FeedbackPassage(ResponseModel):
    """A passage that an answer was written from."""

    id: str
    title: str
    text: str


class RecordedTexts(ResponseModel):
    """What the trace of an answer has of its texts, as the content policy left them."""

    question: str
    answer: str
    passages: list[FeedbackPassage]


class RatedAnswer(FeedbackInfo):
    """The same, with the answer."""

    recorded: RecordedTexts | None = Field(
        description="Null where there is no trace, or none of its texts is kept or may be seen."
    )


class FeedbackList(ResponseModel):
    """What was said of answers, the lowest scores first."""

    object: Literal["list"] = "list"
    data: list[RatedAnswer]
    has_more: bool
    last_id: str | None = Field(description="What `after` of the next page is.")


class ReleaseScoreInfo(ResponseModel):
    """How the answers of a release are assessed. An answer that several people rate counts once, by
    the mean."""

    release: str = Field(examples=["minilm-extractive"])
    name: AssessmentName
    count: int = Field(description="Answers that were assessed.", examples=[120])
    mean: float = Field(
        description="Mean of their scores; of thumbs the share of those that are up.",
        examples=[0.85],
    )
    low: float = Field(description="95 % interval of the mean.", examples=[0.775])
    high: float = Field(examples=[0.903])
    thumbs_up: int = Field(examples=[102])
    thumbs_down: int = Field(examples=[18])


class ReleaseScoreList(ResponseModel):
    """How the answers of all releases are assessed."""

    object: Literal["list"] = "list"
    data: list[ReleaseScoreInfo]
