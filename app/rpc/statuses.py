"""The one table from the code of an error to a status of gRPC, and what goes with the status.

Ray Serve sends no trailers with a call that failed by an exception, so all that a client needs to
know of a failure is in the status' details: one JSON object.
"""

import json
from collections.abc import Mapping

from grpc import StatusCode

from app.problems import http_status_of, is_worth_repeating
from deployments.contracts.errors import BudgetExceeded, LimitReached, RagError

STATUS_OF_CODE: Mapping[str, StatusCode] = {
    "malformed_request": StatusCode.INVALID_ARGUMENT,
    "unsupported_field": StatusCode.INVALID_ARGUMENT,
    "context_length_exceeded": StatusCode.INVALID_ARGUMENT,
    "content_filter": StatusCode.INVALID_ARGUMENT,
    "unauthorized": StatusCode.UNAUTHENTICATED,
    "forbidden": StatusCode.PERMISSION_DENIED,
    "not_found": StatusCode.NOT_FOUND,
    "model_not_found": StatusCode.NOT_FOUND,
    "method_not_allowed": StatusCode.UNIMPLEMENTED,
    "request_timeout": StatusCode.DEADLINE_EXCEEDED,
    "conflict": StatusCode.FAILED_PRECONDITION,
    "request_too_large": StatusCode.OUT_OF_RANGE,
    "unsupported_media_type": StatusCode.INVALID_ARGUMENT,
    "invalid_request": StatusCode.INVALID_ARGUMENT,
    "idempotency_key_reused": StatusCode.INVALID_ARGUMENT,
    "rate_limited": StatusCode.RESOURCE_EXHAUSTED,
    "rate_limit_exceeded": StatusCode.RESOURCE_EXHAUSTED,
    "insufficient_quota": StatusCode.RESOURCE_EXHAUSTED,
    "internal": StatusCode.INTERNAL,
    "invalid_config": StatusCode.INTERNAL,
    "backend_failed": StatusCode.UNAVAILABLE,
    "overloaded": StatusCode.RESOURCE_EXHAUSTED,
    "unavailable": StatusCode.UNAVAILABLE,
    "deadline_exceeded": StatusCode.DEADLINE_EXCEEDED,
}

MAX_DETAILS_BYTES = 3072
"""Ray Serve cuts what is longer than 4096, and half a JSON object is none."""
_MAX_DETAIL_CHARS = 1000


def status_of(error: RagError) -> StatusCode:
    """Returns the status that an error is told by."""
    return STATUS_OF_CODE.get(error.code, StatusCode.INTERNAL)


def details_of(error: RagError, *, request_id: str) -> str:
    """Returns the details of a status: JSON in ASCII with `code`, `status` of HTTP, `detail`,
    `request_id`, and where they are known `retry_after_s` in seconds, `should_retry`, and `errors`,
    as many fields as there is room for."""
    said: dict[str, object] = {
        "code": error.code,
        "status": http_status_of(error.code),
        "detail": str(error)[:_MAX_DETAIL_CHARS],
        "request_id": request_id,
    }
    if error.retry_after_s is not None:
        said["retry_after_s"] = max(round(error.retry_after_s, 3), 0.001)
    if isinstance(error, LimitReached | BudgetExceeded):
        said["should_retry"] = is_worth_repeating(error)
    errors = list(error.errors)
    while errors and len(_json(said | {"errors": errors})) > MAX_DETAILS_BYTES:
        errors.pop()
    if errors:
        said["errors"] = errors
    text = _json(said)
    if len(text) > MAX_DETAILS_BYTES:  # each character beyond ASCII takes six, or twelve
        said["detail"] = str(error)[: _MAX_DETAIL_CHARS // 10]
        text = _json(said)
    return text


def _json(said: Mapping[str, object]) -> str:
    return json.dumps(said, ensure_ascii=True, separators=(",", ":"))
