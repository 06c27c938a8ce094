"""What a model server complains about, as our errors.

Who is at fault decides: what is wrong with the client's request goes back to the client in the
server's words, made safe; what is wrong with our account, our address or the server itself is for
the log, and the client hears only that the service is not there.
"""

import logging
import math
import re
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from deployments.contracts.errors import (
    BackendFailed,
    InvalidRequest,
    PromptTooLong,
    RagError,
    RateLimited,
    RequestTooLarge,
    Unavailable,
    UnsupportedField,
)
from deployments.generator.openai.wire import STAGE

_MESSAGE_CHARS = 200
_TEMPORARY = frozenset({408, 502, 503, 504, 529})
_STATUS_OF_CODE = {
    "context_length_exceeded": 400,
    "exceed_context_size_error": 400,
    "invalid_request_error": 400,
    "badrequesterror": 400,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "permission_error": 403,
    "model_not_found": 404,
    "notfounderror": 404,
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "insufficient_quota": 429,
    "overloaded_error": 503,
    "service_unavailable": 503,
    "unavailable_error": 503,
}
"""Statuses of errors that come inside a stream, where HTTP has none; anything else is a 500."""
_TOO_LONG = re.compile(
    r"context[ _](?:length|window|size)|maximum model length|prompt (?:is|was) too long"
    r"|input (?:is|was) too long|too many (?:input |prompt )?tokens|number of tokens allowed"
    r"|tokens.{0,40}must be <=",
    re.IGNORECASE,
)
_UNSUPPORTED = re.compile(
    r"unsupported|not supported|does(?:n't| not) support|unrecognized|unknown (?:param|field|arg)"
    r"|extra inputs are not permitted|extra_forbidden|unknown_parameter",
    re.IGNORECASE,
)
_FIELD = re.compile(r"[A-Za-z_][\w.\[\]-]{0,63}", re.ASCII)
_OURS = frozenset({"model_not_found", "insufficient_quota", "billing_hard_limit_reached"})
"""Codes that mean our account or our configuration, whatever their status is."""
_UNSAFE = re.compile(
    r"\b[a-z][a-z0-9+.-]*://\S+"  # addresses
    r"|\b[\w-]+(?:\.[\w-]+)*:\d{2,5}\b"  # host:port
    r"|(?<![\w.])/(?:[\w.-]+/)+[\w.-]*"  # paths
    r"|\b(?:sk|pk|hf|gsk)[-_][\w*.-]+|\bbearer\s+\S+",  # keys
    re.IGNORECASE,
)
_log = logging.getLogger("ray.serve")


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a server said instead of an answer. `code` is its own word for it, in lower case."""

    status: int
    message: str = ""
    code: str = ""
    param: str = ""
    retry_after_s: float | None = None

    def is_about(self, field: str) -> bool:
        """Returns whether a field of the request is what the server objects to."""
        return self.status in (400, 422) and field in f"{self.param} {self.message}"


def complaint_of(
    payload: object, *, status: int | None = None, headers: Mapping[str, str] | None = None
) -> Complaint | None:
    """Returns the error that a decoded body or chunk holds, None where it holds none.

    OpenAI and vLLM send `{"error": {...}}`, older servers `{"object": "error", ...}`, some a mere
    string, FastAPI `{"detail": ...}`.

    Args:
        payload: The decoded JSON.
        status: Of the response; None inside a stream, where the error's own code counts.
        headers: Of the response.
    """
    said = payload if isinstance(payload, dict) else {}
    error = said.get("error")
    if error is None and (said.get("object") == "error" or status is not None):
        error = said
    if not error:
        return None
    fields = error if isinstance(error, dict) else {"message": error}
    code = str(fields.get("code") or "").lower()
    kind = str(fields.get("type") or "").lower()
    return Complaint(
        status=status or _status_of(code, kind),
        message=_message_of(fields.get("message") or fields.get("detail") or ""),
        code=kind if not code or code.isdigit() else code,
        param=str(fields.get("param") or ""),
        retry_after_s=retry_after_s(headers or {}),
    )


def _message_of(told: object) -> str:
    """Returns an error's text; of a list of FastAPI's, places and texts without the inputs."""
    if isinstance(told, dict) and "detail" in told:
        return _message_of(told["detail"])
    if isinstance(told, list):
        return "; ".join(_message_of(one) for one in told)
    if isinstance(told, dict) and "msg" in told:
        return f"{'.'.join(str(part) for part in told.get('loc') or ())}: {told['msg']}"
    return str(told)


def _status_of(code: str, kind: str) -> int:
    if code.isascii() and code.isdigit() and 400 <= int(code[:4]) <= 599:
        return int(code)
    return _STATUS_OF_CODE.get(code) or _STATUS_OF_CODE.get(kind) or 500


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Returns the seconds that the server asks to wait, None where it says nothing readable.

    Source: RFC 9110, section 10.2.3: seconds, or a date; OpenAI adds milliseconds.
    """
    told = headers.get("retry-after", "")
    try:
        if "retry-after-ms" in headers:
            wait_s = float(headers["retry-after-ms"]) / 1e3
        elif told.strip().isdigit():
            wait_s = float(told)
        else:
            wait_s = parsedate_to_datetime(told).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None
    return max(wait_s, 0.0) if math.isfinite(wait_s) else None


def error_of(complaint: Complaint, *, secrets: Collection[str], request_id: str) -> RagError:
    """Returns the error to raise, after a line in the log where the fault is not the client's.

    Args:
        complaint: What the server said.
        secrets: What no message and no log may hold: the key, the server's address.
        request_id: For the log.
    """
    said = safe_text(complaint.message, secrets)
    named = _FIELD.fullmatch(complaint.param) and safe_text(complaint.param, secrets)
    error = _error_of(complaint, said, complaint.param if named == complaint.param else "")
    if not isinstance(error, RequestTooLarge | InvalidRequest | UnsupportedField | PromptTooLong):
        _log.warning(
            "request %s: the model server answered %d %s: %s",
            request_id,
            complaint.status,
            safe_text(complaint.code, secrets) or "without a code",
            said or "no message",
        )
    return error


def _error_of(complaint: Complaint, said: str, field: str) -> RagError:
    status, wait_s = complaint.status, complaint.retry_after_s
    told = f"{complaint.code} {complaint.message}"
    if complaint.code in _OURS or status in (401, 403, 404):
        return BackendFailed("The model server refused the service.", STAGE)
    if status in (400, 413, 422, 500) and _TOO_LONG.search(told):
        return PromptTooLong(
            "The prompt is longer than the model reads; send less text, or use fewer sources.",
            STAGE,
        )
    if status == 413:
        return RequestTooLarge("The request is larger than the model server takes.", STAGE)
    if status in (400, 422):
        kind = UnsupportedField if _UNSUPPORTED.search(told) else InvalidRequest
        message = f"The model server refused the request{f': {said}' if said else '.'}"
        detail = {"field": field, "message": "refused by the model server", "type": kind.code}
        return kind(message, STAGE, errors=(detail,) if field else ())
    if status == 429:
        return RateLimited("The model server is at its rate limit; retry later.", STAGE, wait_s)
    if status in _TEMPORARY:
        return Unavailable("The model server is not available; retry shortly.", STAGE, wait_s)
    return BackendFailed("The model server failed.", STAGE)


def safe_text(text: str, secrets: Collection[str]) -> str:
    """Returns at most 200 printable ASCII characters of a text, without the secrets, and without
    what looks like an address, a path or a key."""
    # First of all ASCII: a character that is left out could join the halves of a secret.
    plain = " ".join(re.sub(r"[^ -~]+", " ? ", text).split())
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        plain = re.sub(re.escape(secret), "[...]", plain, flags=re.IGNORECASE)
    plain = _UNSAFE.sub("[...]", plain)
    return plain if len(plain) <= _MESSAGE_CHARS else f"{plain[: _MESSAGE_CHARS - 3]}..."
