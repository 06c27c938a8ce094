"""Live settings of conversations that the service keeps."""

from pydantic import Field

from deployments.settings import Settings


class ConversationSettings(Settings):
    """Whether conversations are kept, and for how long. They stand in the database of keys, which
    `RAGSERVE_DATABASE_URL` names."""

    enabled: bool = False
    """Whether conversations are kept. Off, what names one is refused, and those that there are
    wait for their end or their deletion."""

    max_history_tokens: int = Field(default=4000, ge=0, le=1_000_000)
    """How much of a conversation goes with its next question: the last turns that fit, whole ones
    only, at four bytes for a token. 0 sends none."""

    ttl_days: float = Field(default=30.0, gt=0, le=3650)
    """A conversation goes, with all of its turns, after so many days without a turn."""
