"""Settings of what is kept of requests; live."""

from typing import Annotated

from pydantic import Field

from deployments.redaction.content_policy import ContentPolicy
from deployments.settings import Settings

KeyId = Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
"""Names an API key: the first 12 hexadecimal digits of its SHA-256."""


class Recording(Settings):
    """Which traces are kept, and what of their texts."""

    content: ContentPolicy = "redacted"
    """What is kept of questions, passages and answers: `full`, `redacted` (without personal data
    and secrets), `hash` (equal texts can be counted), or `none` (the length)."""

    content_by_key: dict[KeyId, ContentPolicy] = {}
    """The same for single API keys, which the access line calls by these ids."""

    known_keys: tuple[KeyId, ...] = ()
    """API keys whose usage is counted apart, beside those of `content_by_key` and the operators'.
    All others are counted as one, `unknown`: anybody can invent keys, and usage is kept for
    ever."""

    allow_opt_out: bool = False
    """Whether a client may ask by `X-Ragserve-Trace: none` that no trace is kept of a request.
    Where it may not, such a request is refused."""

    sample_ratio: float = Field(default=1.0, ge=0.0, le=1.0)
    """Share of the requests whose trace is kept though nothing was special about them. Errors, slow
    ones, those of a rollout's canary, those in shadow, and those with `X-Ragserve-Trace: keep` are
    kept always."""

    slow_ms: float = Field(default=2000.0, gt=0)
    """A request that took longer is slow."""

    def knows(self, key_id: str) -> bool:
        """Returns whether an API key has usage of its own."""
        return key_id in self.known_keys or key_id in self.content_by_key

    def policy(self, key_id: str) -> ContentPolicy:
        """Returns what is kept of the texts of an API key's requests."""
        return self.content_by_key.get(key_id, self.content)
