"""Live settings of online evaluation: a sample of the answers is judged after they went out."""

from typing import Annotated

from pydantic import Field

from deployments.settings import Settings


class OnlineEvaluation(Settings):
    """Which answers are judged, by whom, and how much of the service that may take. Off, unless a
    share is named."""

    share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    """Share of the answers from documents that are judged. A language model that judges costs two
    calls for each; the reranker costs one for each sentence, and one more."""

    generator: str | None = Field(default=None, min_length=1)
    """Name of the generator application that judges: a language model, such as the `judge` of a
    rollout. None takes the scores of the release's own reranker, which say less and cost no
    model."""

    timeout_s: float = Field(default=30.0, gt=0, le=600)
    """Time for one answer. One that takes longer is not judged."""

    beside: int = Field(default=2, ge=0)
    """Requests that somebody waits for, in this replica of the gateway, beside which an answer is
    still judged. While there are more, answers wait for their judgement."""

    max_waiting: int = Field(default=100, ge=1, le=10_000)
    """Answers that wait in one replica of the gateway. Over it further ones are not judged."""

    patience_s: float = Field(default=120.0, gt=0, le=3600)
    """An answer that has waited for so long is not judged."""
