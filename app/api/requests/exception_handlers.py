"""Whatever a route raised on purpose, as a problem. Registered once for the whole application.

What nobody planned for ends at the gate (`app.edge.admission.AdmissionGate`), outside the routes.
"""

import logging
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.api.requests.methods import allowed_methods, options_of
from app.edge.visit import SCOPE_KEY
from app.problems import STATUS_OF_CODE, problem, problem_of
from app.schemas.wire import UNSUPPORTED
from deployments.contracts.errors import RagError, StageFailed
from deployments.contracts.field_errors import field_errors, reasons_of

_log = logging.getLogger("ray.serve")
_IN_OPENAIS_FORM = (
    "/v1/chat/",
    "/v1/completions",
    "/v1/responses",
    "/v1/vector_stores",
    "/v1/batches",
)
# Where a client error's status has several codes, the first of the table is the general one.
_CODE_OF_STATUS = {
    status: code for code, (status, _) in reversed(list(STATUS_OF_CODE.items())) if status < 500
}


def register_exception_handlers(app: FastAPI) -> None:
    """Makes every failure of the application a problem body."""
    app.add_exception_handler(RagError, _on_rag_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)


async def _on_rag_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RagError)
    if isinstance(error, StageFailed):
        _log.error("request %s: %s", _id(request), error, exc_info=error)
    _note(request, error.code)
    return problem_of(error, request_id=_id(request), instance=request.url.path)


async def _on_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(one["type"] == "json_invalid" for one in found):
        return _problem(request, "malformed_request", "The body is not valid JSON.")
    fields = field_errors(found, error.body)
    reasons = reasons_of(fields)
    if any(_is_unsupported(request, field["type"]) for field in fields):
        return _problem(request, UNSUPPORTED, f"Not supported here: {reasons}.", fields)
    return _problem(request, "invalid_request", f"The request is not valid: {reasons}.", fields)


def _is_unsupported(request: Request, error_type: object) -> bool:
    """Returns whether a field is one that OpenAI's clients may send and nothing here honours."""
    in_their_form = request.url.path.startswith(_IN_OPENAIS_FORM)
    return error_type == UNSUPPORTED or (in_their_form and error_type == "extra_forbidden")


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == 405:
        if request.method == "OPTIONS":
            return options_of(request)
        headers["Allow"] = allowed_methods(request)
    code = _CODE_OF_STATUS.get(error.status_code, "internal")
    details = {
        400: "The body cannot be read.",
        404: "There is nothing at this path; see /docs for what there is.",
        405: f"{request.method} is not allowed here.",
    }
    detail = details.get(error.status_code, str(error.detail))
    _note(request, code)
    return problem(
        code,
        detail,
        request_id=_id(request),
        instance=request.url.path,
        headers=headers,
    )


def _problem(
    request: Request, code: str, detail: str, errors: tuple[Mapping[str, object], ...] = ()
) -> Response:
    _note(request, code)
    return problem(code, detail, request_id=_id(request), instance=request.url.path, errors=errors)


def _note(request: Request, code: str) -> None:
    if scope := request.scope.get(SCOPE_KEY):
        scope.notes.error = code


def _id(request: Request) -> str:
    scope = request.scope.get(SCOPE_KEY)
    return scope.request_id if scope else ""
