"""Wire form of `/ask`."""

from pydantic import Field

from app.schemas.answers import QueryText
from app.schemas.wire import RequestModel


class AskRequest(RequestModel):
    """A question, and nothing that must be known of retrieval."""

    question: QueryText
    max_tokens: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="Tokens of the answer at most, where a language model writes it.",
        examples=[256],
    )
