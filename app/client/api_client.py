"""A client of the running service for the verbs: one error for whatever can go wrong on the way."""

import json
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from app.client.address import DEFAULT_URL
from app.client.errors import CliError

_ATTEMPTS = 6
_MAX_WAIT_S = 30.0


class Busy(Exception):
    """The service said to come back later."""

    def __init__(self, retry_after_s: float, problem: Mapping[str, Any]) -> None:
        super().__init__(retry_after_s, problem)
        self.retry_after_s = retry_after_s
        self.problem = problem


class ApiClient:
    """Speaks to the service at an address; safe in several threads.

    Args:
        url: Address of the gateway.
        timeout_s: Time of one request.
        admin_key: The operators' key, where it is needed.
    """

    def __init__(self, url: str, *, timeout_s: float, admin_key: str = "") -> None:
        self._url = url.rstrip("/")
        headers = {"Authorization": f"Bearer {admin_key}"} if admin_key else {}
        try:
            self._client = httpx.Client(
                base_url=self._url, timeout=timeout_s, trust_env=False, headers=headers
            )
        except (httpx.InvalidURL, ValueError) as error:
            raise CliError(f"'{url}' is not an address.", "Try --url " + DEFAULT_URL) from error

    def __enter__(self) -> "ApiClient":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the answer to a JSON body; waits and repeats while the service is busy.

        Raises:
            CliError: nobody answers, or the answer is an error that a repetition won't mend.
        """
        return self.request("POST", path, body)

    def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        attempts: int = _ATTEMPTS,
    ) -> dict[str, Any]:
        """Returns the answer to any request, as `post` does; `attempts` is 1 for what must not be
        repeated."""
        return self._answer(self._send(method, path, body, attempts=attempts))

    def stream(self, path: str, body: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yields the events of a streamed answer by name; waits and repeats as `post` does.

        Raises:
            CliError: as `post`, or the answer broke off.
        """
        from httpx_sse import EventSource

        response = self._send("POST", path, {**body, "stream": True}, stream=True)
        try:
            for event in EventSource(response).iter_sse():
                data = json.loads(event.data)
                if event.event == "error":
                    raise _refused(data)
                yield event.event, data
        except httpx.HTTPError as error:
            raise CliError("The answer broke off.") from error
        finally:
            response.close()

    def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        *,
        stream: bool = False,
        attempts: int = _ATTEMPTS,
    ) -> httpx.Response:
        retrying = Retrying(
            retry=retry_if_exception_type(Busy),
            stop=stop_after_attempt(attempts),
            wait=_wait_as_told,
            reraise=True,
        )
        try:
            return retrying(self._send_once, method, path, body, stream)
        except Busy as busy:
            raise _refused(busy.problem) from busy

    def _send_once(
        self, method: str, path: str, body: Mapping[str, Any] | None, stream: bool
    ) -> httpx.Response:
        try:
            request = self._client.build_request(method, path, json=body)
            response = self._client.send(request, stream=stream)
            if response.is_success:
                return response
            response.read()
        except ValueError as error:
            raise CliError(f"This cannot be sent as JSON: {error}") from error
        except httpx.TimeoutException as error:
            raise CliError(f"{self._url} did not answer in time.") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise CliError(
                f"No service answers at {self._url}.",
                "Start one here with: ragserve up    Or name another one with --url.",
            ) from error
        problem = _problem(response)
        if response.status_code == 503:
            told = response.headers.get("retry-after", "")
            # HTTP also allows a date there; a proxy may send one.
            raise Busy(float(told) if told.isdecimal() else 1.0, problem)
        raise _refused(problem)

    def _answer(self, response: httpx.Response) -> dict[str, Any]:
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise CliError(
                f"What answers at {self._url} is not ragserve.", "Name the service with --url."
            )
        return answer


def _wait_as_told(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    told_s = error.retry_after_s if isinstance(error, Busy) else 1.0
    return min(told_s * state.attempt_number, _MAX_WAIT_S)


def _problem(response: httpx.Response) -> Mapping[str, Any]:
    try:
        problem = response.json()
    except ValueError:
        problem = None
    if not isinstance(problem, dict) or "detail" not in problem:
        return {"detail": f"The service answered with HTTP {response.status_code}."}
    return problem


def _refused(problem: Mapping[str, Any]) -> CliError:
    fields = "\n".join(
        f"{field['field']}: {field['message']}" for field in problem.get("errors", ())
    )
    request_id = problem.get("request_id")
    hint = f"Request id for the logs: {request_id}" if request_id else ""
    return CliError(str(problem["detail"]), hint, fields)
