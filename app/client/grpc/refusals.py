"""The errors of gRPC as those that the client raises over HTTP, too."""

import json
from typing import Any

import grpc

from app.client.api_errors import (
    ApiConnectionError,
    ApiError,
    ApiTimeoutError,
    Refusal,
    UnexpectedResponseError,
    status_error,
)
from app.client.replies import problem_error

_Code = grpc.StatusCode
_STATUS_OF = {
    _Code.INVALID_ARGUMENT: 422,
    _Code.OUT_OF_RANGE: 413,
    _Code.UNAUTHENTICATED: 401,
    _Code.PERMISSION_DENIED: 403,
    _Code.NOT_FOUND: 404,
    _Code.FAILED_PRECONDITION: 409,
    _Code.INTERNAL: 500,
}
"""Of what stands before the service: what the service itself says names its status."""
_UNSENT = ("failed to connect", "DNS resolution failed", "Name resolution", "Connection refused")


def error_of(error: Any, url: str) -> ApiError:
    """Returns the error that a failure of gRPC stands for.

    Args:
        error: Has a code and details.
        url: Where the call went.
    """
    code, details = error.code(), error.details() or ""
    if (problem := _problem_in(details)) is not None:
        return problem_error(
            problem, status=problem["status"], told_s=_seconds(problem.get("retry_after_s"))
        )
    if code is _Code.DEADLINE_EXCEEDED:
        return ApiTimeoutError(f"{url} did not answer in time.")
    if code is _Code.UNAVAILABLE and any(word in details for word in _UNSENT):
        return ApiConnectionError(f"No service answers at {url}.", False)
    if code in (_Code.UNAVAILABLE, _Code.CANCELLED):
        return ApiConnectionError(f"The connection to {url} broke off.")
    if code is _Code.RESOURCE_EXHAUSTED:
        # Ray Serve, whose queue was full before the service saw the call.
        return status_error(Refusal(503, details or "Too many calls.", code="overloaded"))
    if code in (_Code.UNIMPLEMENTED, _Code.UNKNOWN):
        return UnexpectedResponseError(f"What answers at {url} is not ragserve over gRPC.")
    detail = details or f"The service answered with {code.name}."
    return status_error(Refusal(_STATUS_OF.get(code, 500), detail))


def _problem_in(details: str) -> dict[str, Any] | None:
    if not details.startswith("{"):
        return None
    try:
        found = json.loads(details)
    except ValueError:
        return None
    is_ours = isinstance(found, dict) and isinstance(found.get("status"), int) and "code" in found
    if not is_ours:
        return None
    fields = [entry for entry in found.get("errors") or () if isinstance(entry, dict)]
    return {**found, "error": {"param": fields[0].get("field") if fields else None}}


def _seconds(told: Any) -> float | None:
    return float(told) if isinstance(told, int | float) else None
