"""What may be kept of what people write of answers: what may be kept of what they ask."""

from collections.abc import Callable

from app.settings.live.gateway import GatewayLive
from app.settings.live.recording import Recording
from app.telemetry.traces.content import ContentRules, Keep
from deployments.contracts.errors import ConfigError
from deployments.redaction.content_policy import ContentFilter


class FeedbackTexts:
    """Turns texts into what may be kept of them, by the API key that they come with.

    Args:
        settings: Returns the live settings.
        salt: Key of the digests of the content policy `hash`.
    """

    def __init__(self, settings: Callable[[], GatewayLive], salt: bytes) -> None:
        self._settings = settings
        self._salt = salt
        self._recording: Recording | None = None
        self._rules: ContentRules | None = None

    def keep(self, key_id: str) -> Keep:
        """Returns what turns a text into what may be kept; only its length, where the service was
        given no salt for digests."""
        recording = self._settings().recording
        if recording != self._recording:
            self._recording, self._rules = recording, self._make(recording)
        return _length_of if self._rules is None else self._rules.texts(key_id)

    def _make(self, recording: Recording) -> ContentRules | None:
        try:
            return ContentRules(recording, self._salt)
        except ConfigError:
            return None


_length_of = ContentFilter("none").keep
