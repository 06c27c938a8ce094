"""What came back over HTTP, as a value or as an error: nothing here waits or sends."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from app.client.api_errors import (
    ApiConnectionError,
    ApiError,
    ApiStatusError,
    ApiTimeoutError,
    Refusal,
    UnexpectedResponseError,
    status_error,
)
from app.schemas.wire import FieldProblem

M = TypeVar("M", bound=BaseModel)

_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@contextmanager
def translated(url: str) -> Iterator[None]:
    """Turns the errors of httpx into ours.

    Raises:
        ApiTimeoutError, ApiConnectionError.
    """
    try:
        yield
    except httpx.TimeoutException as error:
        sent = not isinstance(error, _NOT_SENT)
        raise ApiTimeoutError(f"{url} did not answer in time.", sent) from error
    except _NOT_SENT as error:
        raise ApiConnectionError(f"No service answers at {url}.", False) from error
    except (httpx.HTTPError, httpx.StreamError) as error:
        raise ApiConnectionError(f"The connection to {url} broke off.") from error
    except httpx.InvalidURL as error:
        raise ApiConnectionError(f"'{url}' is not an address.", False) from error


def json_of(response: httpx.Response) -> dict[str, Any]:
    """Returns the object that an answer holds, or raises UnexpectedResponseError."""
    try:
        content = response.json()
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise not_ours(str(response.url.copy_with(raw_path=b"/")).rstrip("/"))
    return content


def not_ours(url: str) -> UnexpectedResponseError:
    """Returns the error for an answer of somebody else."""
    return UnexpectedResponseError(f"What answers at {url} is not ragserve.")


def read_as(model: type[M]) -> Callable[[httpx.Response], M]:
    """Returns what reads an answer as a value of a model; it raises UnexpectedResponseError."""

    def parse(response: httpx.Response) -> M:
        try:
            return model.model_validate_json(response.content)
        except ValidationError as error:
            raise _unexpected(str(response.url), error) from error

    return parse


def validated(model: type[M], data: dict[str, Any]) -> M:
    """Returns a part of an answer as a value of a model, or raises UnexpectedResponseError."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise _unexpected(model.__name__, error) from error


def refused(response: httpx.Response) -> ApiStatusError:
    """Returns the error that an answer with the status of one stands for."""
    try:
        body = response.json()
    except ValueError:
        body = None
    told_s = retry_after_s(response.headers.get("retry-after", ""))
    if not isinstance(body, dict) or "detail" not in body:
        detail = f"The service answered with HTTP {response.status_code}."
        request_id = response.headers.get("x-request-id", "")
        return status_error(
            Refusal(response.status_code, detail, request_id=request_id, retry_after_s=told_s)
        )
    return problem_error(body, status=response.status_code, told_s=told_s)


def problem_error(
    body: dict[str, Any], *, status: int | None = None, told_s: float | None = None
) -> ApiStatusError:
    """Returns the error that a problem is; `status` is by default the one that it names."""
    named = body.get("status")
    fields = [entry for entry in body.get("errors") or () if isinstance(entry, dict)]
    openai_form = body.get("error")
    param = openai_form.get("param") if isinstance(openai_form, dict) else None
    return status_error(
        Refusal(
            status=status or (named if isinstance(named, int) else 500),
            detail=str(body.get("detail", "")),
            code=str(body.get("code", "")),
            param=param,
            fields=tuple(
                FieldProblem(
                    field=str(entry.get("field", "")),
                    message=str(entry.get("message", "")),
                    type=str(entry.get("type", "")),
                )
                for entry in fields
            ),
            request_id=str(body.get("request_id", "")),
            retry_after_s=told_s,
        )
    )


def retry_after_s(told: str) -> float | None:
    """Returns the seconds that a `Retry-After` asks for, None where it says nothing.

    Source: RFC 9110, section 10.2.3: seconds, or a date.

    >>> retry_after_s("7")
    7.0
    """
    if told.isascii() and told.isdigit():
        return float(told[:9])
    try:
        date = parsedate_to_datetime(told)
    except ValueError:
        return None
    return max((date.astimezone(UTC) - datetime.now(UTC)).total_seconds(), 0.0)


def event_data(text: str) -> dict[str, Any]:
    """Returns what an event holds, or raises UnexpectedResponseError."""
    try:
        data = json.loads(text)
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise UnexpectedResponseError("An event of the stream cannot be read.")
    return data


def _unexpected(what: str, error: ValidationError) -> ApiError:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    return UnexpectedResponseError(
        f"What came of {what} is not what this version of ragserve reads: {place} ({first['msg']})."
    )
