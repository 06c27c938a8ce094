"""The one table from an error to a status, and the one shape that every error has on the wire."""

import json
import math
from collections.abc import Mapping

from starlette.responses import Response

from deployments.contracts.errors import BudgetExceeded, LimitReached, RagError, Unauthorized

STATUS_OF_CODE: Mapping[str, tuple[int, str]] = {
    "malformed_request": (400, "Malformed request"),
    "unsupported_field": (400, "Unsupported field"),
    "context_length_exceeded": (400, "Prompt too long"),
    "content_filter": (400, "Refused by a content policy"),
    "unauthorized": (401, "Unauthorized"),
    "forbidden": (403, "Forbidden"),
    "not_found": (404, "Not found"),
    "model_not_found": (404, "Model not found"),
    "method_not_allowed": (405, "Method not allowed"),
    "request_timeout": (408, "Request timeout"),
    "conflict": (409, "Conflict"),
    "request_too_large": (413, "Request too large"),
    "unsupported_media_type": (415, "Unsupported media type"),
    "invalid_request": (422, "Invalid request"),
    "idempotency_key_reused": (422, "Idempotency key reused"),
    "rate_limited": (429, "Rate limited"),
    "rate_limit_exceeded": (429, "Rate limit exceeded"),
    "insufficient_quota": (429, "Budget exceeded"),
    "internal": (500, "Internal error"),
    "invalid_config": (500, "Internal error"),
    "backend_failed": (502, "Backend failed"),
    "overloaded": (503, "Overloaded"),
    "unavailable": (503, "Unavailable"),
    "deadline_exceeded": (504, "Deadline exceeded"),
}

PROBLEM_TYPE = "urn:ragserve:problem:"
_OPENAI_TYPES: Mapping[str, str] = {
    "rate_limit_exceeded": "rate_limit_error",
    "insufficient_quota": "insufficient_quota",
}
"""What OpenAI's API calls the kind of an error, where it is not told by the status."""


def problem_of(error: RagError, *, request_id: str, instance: str) -> Response:
    """Returns the response for one of our errors; `Retry-After` is in whole seconds."""
    headers = {"WWW-Authenticate": "Bearer"} if isinstance(error, Unauthorized) else {}
    headers |= retry_after_of(error)
    if isinstance(error, LimitReached | BudgetExceeded):
        headers |= _advice(error)
    return problem(
        error.code,
        str(error),
        request_id=request_id,
        instance=instance,
        errors=error.errors,
        headers=headers,
    )


def http_status_of(code: str) -> int:
    """Returns the status of an error by its code."""
    return _told_by(code)[0]


def _told_by(code: str) -> tuple[int, str]:
    return STATUS_OF_CODE.get(code, STATUS_OF_CODE["internal"])


def retry_after_of(error: RagError) -> dict[str, str]:
    """Returns when to come back as a header, in whole seconds; empty where nobody knows."""
    if error.retry_after_s is None:
        return {}
    return {"retry-after": str(max(1, math.ceil(error.retry_after_s)))}


def is_worth_repeating(error: LimitReached | BudgetExceeded) -> bool:
    """Returns whether what a bound has refused may be taken soon."""
    return isinstance(error, LimitReached) and error.retry_after_s is not None


def _advice(error: LimitReached | BudgetExceeded) -> dict[str, str]:
    """Returns what OpenAI's clients read before `Retry-After`: they would repeat any 429 twice,
    also where that is in vain until tomorrow."""
    advice = {"x-should-retry": "true" if is_worth_repeating(error) else "false"}
    if error.retry_after_s is not None:
        advice["retry-after-ms"] = str(max(1, math.ceil(error.retry_after_s * 1e3)))
    return advice


def problem(
    code: str,
    detail: str,
    *,
    request_id: str,
    instance: str,
    errors: tuple[Mapping[str, object], ...] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Returns a response in the shape of RFC 9457 that OpenAI's clients can read too.

    The body is pure ASCII: an echo of a client's broken Unicode must not break the answer.
    """
    body = problem_body(code, detail, request_id=request_id, instance=instance, errors=errors)
    return Response(
        json.dumps(body, ensure_ascii=True),
        status_code=http_status_of(code),
        media_type="application/problem+json",
        headers=dict(headers or {}),
    )


def problem_body(
    code: str,
    detail: str,
    *,
    request_id: str,
    instance: str,
    errors: tuple[Mapping[str, object], ...] = (),
) -> dict[str, object]:
    """Returns the fields of a problem; `app.schemas.wire.Problem` describes them."""
    status, title = _told_by(code)
    return {
        "type": PROBLEM_TYPE + code,
        "title": title,
        "status": status,
        "detail": detail,
        "instance": instance,
        "code": code,
        "request_id": request_id,
        "errors": list(errors),
        "error": {
            "message": detail,
            "type": _OPENAI_TYPES.get(
                code, "invalid_request_error" if status < 500 else "server_error"
            ),
            "param": errors[0]["field"] if errors else None,
            "code": code,
        },
    }
