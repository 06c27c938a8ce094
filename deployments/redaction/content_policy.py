"""How much of a text is kept where it leaves the process: all, redacted, a hash, or its length."""

import hmac
from typing import Literal

from deployments.contracts.errors import ConfigError
from deployments.redaction.redactor import Redactor

ContentPolicy = Literal["full", "redacted", "hash", "none"]

_MIN_SALT_BYTES = 16


class ContentFilter:
    """Turns a text (prompt, answer, passage, message) into what may be kept of it.

    Args:
        policy: `full` keeps the text, `redacted` all but personal data and secrets, `hash` a keyed
            digest by which equal texts can be counted, `none` the length alone.
        salt: Key of the digests, at least 16 bytes, one per deployment: without it, a short text
            could be guessed from its digest. Needed by `hash` only.
        redactor: What `redacted` uses.

    Raises:
        ConfigError: `hash` has no salt, or a short one.
    """

    def __init__(
        self, policy: ContentPolicy, *, salt: bytes = b"", redactor: Redactor | None = None
    ) -> None:
        if policy == "hash" and len(salt) < _MIN_SALT_BYTES:
            raise ConfigError(
                f"The content policy `hash` needs a salt of at least {_MIN_SALT_BYTES} bytes."
            )
        self.policy = policy
        self._salt = salt
        self._redactor = redactor or Redactor()

    def keep(self, text: str) -> str:
        """Returns what may be kept of a text; lengths are in characters.

        A digest reads `sha256:<16 hexadecimal digits>:<length>`, a length alone `length:<length>`.
        """
        match self.policy:
            case "full":
                return text
            case "redacted":
                return self._redactor.redact(text)
            case "hash":
                return f"sha256:{self._digest(text)}:{len(text)}"
            case "none":
                return f"length:{len(text)}"

    def _digest(self, text: str) -> str:
        # A text from JSON may hold half of a surrogate pair, which strict UTF-8 refuses.
        data = text.encode("utf-8", "surrogatepass")
        return hmac.digest(self._salt, data, "sha256").hex()[:16]
