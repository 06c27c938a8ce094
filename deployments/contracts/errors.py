"""The tree of failures, and the only exceptions that may cross a process border.

    RagError
    ├ RequestError          the caller's fault: never retried, never counted against a stage
    │ ├ MalformedRequest    malformed_request: the body is not JSON, or not text at all
    │ ├ InvalidRequest      invalid_request: well-formed, but against the schema
    │ ├ UnsupportedField    unsupported_field: a field that the chosen model cannot honour
    │ ├ RequestTooLarge     request_too_large: a body or a document over its bound
    │ ├ PromptTooLong       context_length_exceeded: more tokens than the model reads
    │ ├ BodyTimedOut        request_timeout: the body did not come in time
    │ ├ UnsupportedMedia    unsupported_media_type: a format that nothing here reads
    │ ├ NotFound            not_found: an id that names nothing
    │ ├ ModelNotFound       model_not_found: a model's name that nothing has
    │ ├ Conflict            conflict: what is there already does not allow it
    │ ├ IdempotencyKeyReused  idempotency_key_reused: the key stands for another request
    │ ├ LimitReached        rate_limit_exceeded: more than the key or its tenant may ask
    │ ├ BudgetExceeded      insufficient_quota: more than the key or its tenant may spend
    │ ├ ContentFiltered     content_filter: a moderation policy does not let it through
    │ ├ Unauthorized        unauthorized: a key is needed, and there was none
    │ └ Forbidden           forbidden: the key that was sent does not open this
    ├ StageError            our fault: counted per stage
    │ ├ Overloaded          overloaded: refused before work; carries `retry_after_s`
    │ ├ RateLimited         rate_limited: a server behind us refused by its own limit
    │ ├ Unavailable         unavailable: the stage, or what it depends on, does not answer
    │ ├ DeadlineExceeded    deadline_exceeded: the request's time was used up
    │ ├ BackendFailed       backend_failed: a server behind us answered what nobody can use
    │ └ StageFailed         internal: a bug or a broken model; the cause is in the stage's log
    └ ConfigError           invalid_config: start-up only; never becomes a response

There is no HTTP here: `app.problems` turns a code into a status. Every class takes the same
arguments, because an exception whose constructor differs from its args loses its type on the way
through Ray.
"""

from collections.abc import Mapping
from typing import ClassVar


class RagError(Exception):
    """A failure whose message is written for the caller: no path, no stack and no secret in it.

    Args:
        message: One sentence that says what to do about it.
        stage: Name of the stage that failed, None where the request did not reach one.
        retry_after_s: Seconds after which a retry is worth it, None where nothing is known.
        errors: Field-level details, one mapping per field.
    """

    code: ClassVar[str] = "internal"

    def __init__(
        self,
        message: str,
        stage: str | None = None,
        retry_after_s: float | None = None,
        errors: tuple[Mapping[str, object], ...] = (),
    ) -> None:
        super().__init__(message, stage, retry_after_s, errors)
        self.message = message
        self.stage = stage
        self.retry_after_s = retry_after_s
        self.errors = errors

    def __str__(self) -> str:
        return self.message


class RequestError(RagError):
    """The request itself is at fault; repeating it cannot help."""

    code = "invalid_request"


class MalformedRequest(RequestError):
    """The bytes of the body cannot be decoded."""

    code = "malformed_request"


class InvalidRequest(RequestError):
    """A value is against the schema, or against another value."""

    code = "invalid_request"


class UnsupportedField(RequestError):
    """A field of the request asks for what the chosen model cannot do."""

    code = "unsupported_field"


class RequestTooLarge(RequestError):
    """The body or a document is over its bound."""

    code = "request_too_large"


class BodyTimedOut(RequestError):
    """The client did not send its body in time."""

    code = "request_timeout"


class PromptTooLong(RequestError):
    """The prompt has more tokens than the model reads. The code is the one that OpenAI's clients
    look for."""

    code = "context_length_exceeded"


class UnsupportedMedia(RequestError):
    """No converter reads this media type."""

    code = "unsupported_media_type"


class NotFound(RequestError):
    """The id names nothing."""

    code = "not_found"


class ModelNotFound(RequestError):
    """Nothing is called so that could do what is asked for. The code is OpenAI's."""

    code = "model_not_found"


class Conflict(RequestError):
    """What is there already does not allow it."""

    code = "conflict"


class IdempotencyKeyReused(RequestError):
    """The key of the request was sent with another one before. The code is that of the IETF's
    draft."""

    code = "idempotency_key_reused"


class LimitReached(RequestError):
    """The key or its tenant has asked too much for the moment; carries its `retry_after_s`, None
    where waiting cannot help. It says nothing of a stage. The code is OpenAI's."""

    code = "rate_limit_exceeded"


class BudgetExceeded(RequestError):
    """The key or its tenant has nothing left to spend; carries the time until the period ends. The
    code is OpenAI's."""

    code = "insufficient_quota"


class ContentFiltered(RequestError):
    """A moderation policy does not let the request through. The code is Azure's, which OpenAI's
    clients know."""

    code = "content_filter"


class Unauthorized(RequestError):
    """A key is needed, and the request has none."""

    code = "unauthorized"


class Forbidden(RequestError):
    """The key of the request does not open this, or nothing does."""

    code = "forbidden"


class StageError(RagError):
    """A stage of the graph did not do its part."""

    code = "internal"


class Overloaded(StageError):
    """The stage refused the work before starting it."""

    code = "overloaded"


class RateLimited(StageError):
    """A server behind the stage refused by a limit of its own; carries its `retry_after_s`."""

    code = "rate_limited"


class Unavailable(StageError):
    """The stage, or a store behind it, does not answer. A retry is safe."""

    code = "unavailable"


class DeadlineExceeded(StageError):
    """The time that the request had is used up."""

    code = "deadline_exceeded"


class BackendFailed(StageError):
    """A server behind the stage broke, or answered what cannot be read."""

    code = "backend_failed"


class StageFailed(StageError):
    """The stage broke in a way that nobody planned for."""

    code = "internal"


class ConfigError(RagError):
    """A configuration that cannot work; raised at start-up or by validation of a file."""

    code = "invalid_config"
