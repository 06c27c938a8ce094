"""Settings of a generator."""

from typing import Literal

from pydantic import Field

from deployments.settings import Settings


class GeneratorArgs(Settings):
    """Which engine writes answers."""

    engine: Literal["extractive"] = "extractive"
    """`extractive` answers with the sentences of the context that answer the question: no LLM, no
    weights."""

    name: str = Field(default="extractive", pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")
    """What answers call the model."""

    max_sentences: int = Field(default=3, ge=1, le=20)
    """Sentences of an answer at most."""

    min_coverage_ratio: float = Field(default=0.25, ge=0.0, le=1.0)
    """Share of the question's content words (weighted by rarity in the context) that the best
    passage must hold. Below it the answer says that there is no information."""
