"""What is kept of the texts of a request: a content policy, by the API key of the request."""

from collections.abc import Callable
from functools import lru_cache

from app.settings.live.recording import Recording
from deployments.redaction.content_policy import ContentFilter, ContentPolicy
from deployments.redaction.redactor import Redactor

Keep = Callable[[str], str]
_REMEMBERED_PASSAGES = 4096


class ContentRules:
    """Finds the filter for a request. Passages come again and again, so what is kept of one is
    remembered.

    Args:
        recording: The policies.
        salt: Key of the digests of `hash`.

    Raises:
        ConfigError: `hash` is asked for without a salt, or with a short one.
    """

    def __init__(self, recording: Recording, salt: bytes) -> None:
        redactor = Redactor()
        wanted: set[ContentPolicy] = {recording.content, *recording.content_by_key.values()}
        filters = {policy: ContentFilter(policy, salt=salt, redactor=redactor) for policy in wanted}
        self._recording = recording
        self._texts: dict[ContentPolicy, Keep] = {
            policy: part.keep for policy, part in filters.items()
        }
        self._passages: dict[ContentPolicy, Keep] = {
            policy: lru_cache(_REMEMBERED_PASSAGES)(part.keep) for policy, part in filters.items()
        }

    def policy(self, key_id: str) -> ContentPolicy:
        """Returns the policy for an API key."""
        return self._recording.policy(key_id)

    def texts(self, key_id: str) -> Keep:
        """Returns what turns questions, answers and names into what may be kept of them."""
        return self._texts[self.policy(key_id)]

    def passages(self, key_id: str) -> Keep:
        """Returns the same for passages of documents."""
        return self._passages[self.policy(key_id)]
