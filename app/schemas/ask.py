"""Wire form of `/ask`."""

from pydantic import Field

from app.schemas.answers import QueryText
from app.schemas.wire import TolerantModel


class AskRequest(TolerantModel):
    """A question, and nothing that must be known of retrieval."""

    question: QueryText
    max_tokens: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="Tokens of the answer at most; words of an extractive one.",
        examples=[256],
    )
