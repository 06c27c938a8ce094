"""Settings of the response cache. Where it is kept stands in the environment variable
`RAGSERVE_CACHE_URL`, which may hold a password."""

from typing import Literal, Self

from pydantic import Field, model_validator

from deployments.settings import Settings

CanonicalForm = Literal["full", "light"]
MAX_VALUE_BYTES = 256 * 2**10
"""Of one answer as it is kept; a longer one is not."""
MIN_SIMILARITY = 0.9
"""Cosine similarity below which no question is taken for another one, whatever its words."""


class CacheArgs(Settings):
    """How much the response cache may keep. What is kept at all, each release says."""

    max_bytes: int = Field(default=512 * 2**20, ge=2**20)
    """Bytes of all answers in a SQLite file. Redis has a bound of its own, `maxmemory`."""

    max_tenant_share: float = Field(default=0.25, gt=0, le=1)
    """Share of `max_bytes` that one tenant may fill, in either store. Over it, the tenant's own
    least recently used answers go, and nobody else's."""

    @model_validator(mode="after")
    def _holds_an_answer(self) -> Self:
        if self.tenant_bytes < MAX_VALUE_BYTES:
            raise ValueError(
                f"max_tenant_share of max_bytes must be at least {MAX_VALUE_BYTES} bytes: one "
                "answer would not fit"
            )
        return self

    @property
    def tenant_bytes(self) -> int:
        """Bytes that one tenant may fill."""
        return int(self.max_bytes * self.max_tenant_share)


class ReleaseCache(Settings):
    """Which answers of a release are given again to equal requests. Nothing, unless it says so."""

    generation: bool = False
    """Whether what a generator wrote is given again for the same prompt: documents are searched as
    ever, and the language model is not asked. Another document, right or release gives another
    prompt, so what is given is never old."""

    answer: bool = False
    """Whether a whole answer is given again for the same question, as long as the tenant's
    documents are the same. Needs the retriever's index in memory (`lexical: true`)."""

    ttl_s: float = Field(default=3600.0, ge=1, le=7 * 86_400)
    """Time an answer is kept at most; up to a tenth less, so that those of one moment do not all
    end in another."""

    sampling: Literal["deterministic", "any"] = "deterministic"
    """Whose answers are kept: `deterministic` takes requests with `temperature` 0 or a `seed`, or
    with neither where the generator's own temperature is 0, as that of the extractive one is; `any`
    takes all, and gives who asks for variety the same again."""

    canonical: CanonicalForm = "full"
    """When two questions are equal: `full` looks over case, punctuation, articles and polite words,
    for English; `light` over case and white space."""

    max_stale_s: float = Field(default=0.0, ge=0, le=600)
    """Age up to which the state of a tenant's documents is believed without asking the retriever.
    Above 0, an answer may be older than the last write by so much."""

    during_rollout: Literal["bypass", "use"] = "bypass"
    """Whether callers whose answers are compared in a rollout are answered from the cache. What is
    given again is no evidence in either case."""

    unrecorded_keys: Literal["bypass", "use"] = "bypass"
    """Whether answers to API keys are kept whose texts are not to be recorded: their content policy
    is `hash` or `none`."""

    semantic: Literal["off", "verified"] = "off"
    """Whether a whole answer is also given for a question in other words. `verified` gives it where
    all words that count are the same in the same order, and the vectors of both questions are near
    each other; for English. Nearness alone would give wrong answers at every threshold."""

    min_similarity: float = Field(default=MIN_SIMILARITY, ge=MIN_SIMILARITY, le=1)
    """Cosine similarity that the vectors of two such questions have at least. It cannot be set
    lower."""

    @model_validator(mode="after")
    def _verified_has_what_it_needs(self) -> Self:
        if self.semantic == "verified" and not self.answer:
            raise ValueError("semantic: verified gives whole answers again: set answer: true")
        if self.semantic == "verified" and self.canonical != "full":
            raise ValueError("semantic: verified reads English: it needs canonical: full")
        return self

    @property
    def is_on(self) -> bool:
        """Whether anything is given again."""
        return self.generation or self.answer
