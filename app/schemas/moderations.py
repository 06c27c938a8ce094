"""Wire forms of `/v1/moderations`, which are OpenAI's."""

from typing import Annotated, Literal

from pydantic import Field

from app.schemas.wire import ResponseModel, TolerantModel
from deployments.contracts.inputs import Items

ModeratedText = Annotated[str, Field(min_length=1, max_length=100_000)]


class TextPart(TolerantModel):
    """A text as a part of an input."""

    type: Literal["text"] = "text"
    text: ModeratedText


class ModerationRequest(TolerantModel):
    """Texts to check."""

    input: ModeratedText | Annotated[Items[ModeratedText | TextPart], Field(max_length=256)] = (
        Field(description="A text, or 1 to 256 texts.", examples=["How do I reset my password?"])
    )
    model: str = Field(
        default="ragserve",
        min_length=1,
        max_length=256,
        description="`ragserve`, or `ragserve:<release>` for the policy of a release. Other names "
        "are taken for the service's.",
        examples=["ragserve"],
    )


class ModerationResult(ResponseModel):
    """What the policy says of one text."""

    flagged: bool = Field(description="Whether anything was found.", examples=[False])
    categories: dict[str, bool] = Field(
        description="Names of lists, patterns and categories of the classifier.",
        examples=[{"profanity": False}],
    )
    category_scores: dict[str, float] = Field(
        description="1.0 for what was found, 0.0 for what was not; the classifier's own scores.",
        examples=[{"profanity": 0.0}],
    )
    category_applied_input_types: dict[str, list[str]] = Field(
        description="What each category was looked for in.", examples=[{"profanity": ["text"]}]
    )


class ModerationResponse(ResponseModel):
    """One result per text, in their order."""

    id: str = Field(examples=["modr-3f2a9c"])
    model: str = Field(examples=["ragserve"])
    results: list[ModerationResult]


class Blocked(ResponseModel):
    """Why a moderation policy has ended an answer."""

    categories: list[str] = Field(
        description="Names of lists, patterns and categories of the classifier.",
        examples=[["profanity"]],
    )
