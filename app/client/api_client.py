"""The client of the service for the verbs: whatever goes wrong on the way is one error, for the
person at the terminal."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from app.client.address import DEFAULT_URL
from app.client.api_errors import (
    ApiConnectionError,
    ApiError,
    ApiStatusError,
    ApiTimeoutError,
    UnexpectedResponseError,
)
from app.client.calls import Method
from app.client.client import Client
from app.client.errors import CliError
from app.client.retries import Repeat, Retries, RetryBudget

API_KEY_VARIABLE = "RAGSERVE_API_KEY"
_ATTEMPTS = 6
_PATIENT_TOKENS = 200.0
"""One person waits for it, who may as well stop it: it may ask more often than a program may."""


class ApiClient:
    """Speaks to the service at an address; safe in several threads.

    Args:
        url: Address of the gateway.
        timeout_s: Time of one request.
        admin_key: The operators' key, where it is needed; else the caller's own is sent, which
            RAGSERVE_API_KEY names.
    """

    def __init__(self, url: str, *, timeout_s: float, admin_key: str = "") -> None:
        # Where nobody answers, nobody has started it, and what took too long once does so again.
        retries = Retries(
            _ATTEMPTS,
            statuses=frozenset({429, 503}),
            on_connection_errors=False,
            budget=RetryBudget(_PATIENT_TOKENS),
        )
        try:
            key = admin_key or os.environ.get(API_KEY_VARIABLE, "")
            self._client = Client(url, api_key=key, timeout_s=timeout_s, retries=retries)
        except (ValueError, ImportError) as error:
            raise CliError(str(error), "Try --url " + DEFAULT_URL) from error

    def __enter__(self) -> "ApiClient":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    @contextmanager
    def client(self) -> Iterator[Client]:
        """Gives the client for everything that has a method there; its errors are for people."""
        with _for_people():
            yield self._client

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the answer to a JSON body; waits and repeats while the service is busy.

        Raises:
            CliError: nobody answers, or the answer is an error that a repetition won't mend.
        """
        return self.request("POST", path, body)

    def request(
        self,
        method: Method,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        repeat: Repeat = "always",
    ) -> dict[str, Any]:
        """Returns the answer to any request, as `post` does; `repeat` is `unsent` for what must not
        come twice."""
        with _for_people():
            return self._client.request(method, path, body, repeat=repeat)

    def stream(self, path: str, body: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yields the events of a streamed answer by name; waits and repeats as `post` does.

        Raises:
            CliError: as `post`, or the answer broke off.
        """
        with _for_people():
            yield from self._client.stream(path, body)


@contextmanager
def _for_people() -> Iterator[None]:
    """Turns the errors of the client into what a person at a terminal can act on."""
    try:
        yield
    except ApiStatusError as error:
        raise _refused(error) from error
    except UnexpectedResponseError as error:
        raise CliError(str(error), "Name the service with --url.") from error
    except ApiTimeoutError as error:
        raise CliError(str(error)) from error
    except ApiConnectionError as error:
        hint = "Start one here with: ragserve up    Or name another one with --url."
        raise CliError(str(error), "" if error.was_sent else hint) from error
    except ApiError as error:
        raise CliError(str(error)) from error
    except ValueError as error:
        raise CliError(f"This cannot be sent as JSON: {error}") from error


def _refused(error: ApiStatusError) -> CliError:
    fields = "\n".join(f"{field.field}: {field.message}" for field in error.fields)
    hint = f"Request id for the logs: {error.request_id}" if error.request_id else ""
    return CliError(error.detail, hint, fields)
