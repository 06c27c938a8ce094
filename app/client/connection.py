"""What both clients know of the service: its address, the key, and how a call becomes a request."""

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from app.client.address import DEFAULT_URL
from app.client.calls import Call
from app.client.privacy import IN_CLEAR, travels_in_clear
from app.client.replies import refused
from app.client.retries import Retries

URL_VARIABLE = "RAGSERVE_URL"
_CONNECT_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Connection:
    """Where the service is, and what is sent with every request.

    Attributes:
        url: The address, without a slash at its end.
        timeout_s: Time of a request without one of its own, and between two pieces of a stream.
        retries: How calls are repeated.
    """

    url: str
    timeout_s: float
    retries: Retries
    _headers: dict[str, str] = field(repr=False)

    @property
    def is_grpc(self) -> bool:
        """Whether calls go over gRPC."""
        return self.url.startswith(("grpc:", "grpcs:"))

    @property
    def headers(self) -> Mapping[str, str]:
        """What is sent with every call."""
        return self._headers

    def request(self, client: httpx.Client | httpx.AsyncClient, call: Call[Any]) -> httpx.Request:
        """Returns a call as a request.

        Raises:
            ValueError: its body is nothing that JSON can say.
        """
        time_s = call.timeout_s or self.timeout_s
        content, media_type = call.content or (None, "")
        typed = {"Content-Type": media_type} if media_type else {}
        return client.build_request(
            call.method,
            f"{self.url}{call.path}",
            json=call.body,
            content=content,
            data=call.form,
            files=[("files", part) for part in call.files] or None,
            params=call.params,
            headers={**self._headers, **typed, **(call.headers or {})},
            timeout=httpx.Timeout(time_s, connect=min(time_s, _CONNECT_TIMEOUT_S)),
        )

    def check(self, response: httpx.Response, call: Call[Any]) -> None:
        """Takes note of a whole answer, and warns of what is to go (RFC 9745, RFC 8594).

        Raises:
            ApiStatusError: it is an error.
        """
        if not response.is_success and response.status_code not in call.good:
            raise refused(response)
        if since := response.headers.get("deprecation"):
            warnings.warn(
                f"{call.method} {call.path} is deprecated ({since}); it goes: "
                f"{response.headers.get('sunset', 'not yet known when')}.",
                DeprecationWarning,
                stacklevel=2,
            )
        self.retries.budget.succeeded()


def make_connection(
    url: str | None, api_key: str, timeout_s: float, retries: Retries | None
) -> Connection:
    """Returns what a client is made with.

    Raises:
        ValueError: the address is none, or the key would travel to it in the clear.
    """
    address = (url or os.environ.get(URL_VARIABLE, "") or DEFAULT_URL).rstrip("/")
    try:
        parts = httpx.URL(address)
    except (httpx.InvalidURL, ValueError) as error:
        raise ValueError(f"'{address}' is not an address.") from error
    if parts.scheme not in ("http", "https", "grpc", "grpcs") or not parts.host:
        raise ValueError(
            f"'{address}' is not an address; one begins with http:// or https://, or with grpc:// "
            "or grpcs://."
        )
    if api_key and travels_in_clear(address):
        raise ValueError(
            f"The key would travel to {address} in the clear. Use https or grpcs; in a network "
            f"that is closed to others, set {IN_CLEAR}=1."
        )
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    return Connection(address, timeout_s, retries or Retries(), headers)
