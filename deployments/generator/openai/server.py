"""The HTTP side of a model server: its connections, its address and key, and one attempt to be
answered."""

import logging
from typing import TYPE_CHECKING

import httpx

from deployments.contracts.calls import CallContext
from deployments.contracts.errors import ConfigError, StageFailed, Unavailable
from deployments.contracts.generation import Prompt, Sampling
from deployments.generator.cache_salt import CacheSalt, salt_of
from deployments.generator.openai.refusals import error_of
from deployments.generator.openai.reply import Reply, read_complaint
from deployments.generator.openai.wire import STAGE, request_body, request_path

if TYPE_CHECKING:
    from pydantic import SecretStr

    from deployments.contracts.errors import RagError
    from deployments.generator.openai.refusals import Complaint

_KEEPALIVE_S = 4.0
"""Below the 5 s after which uvicorn, and with it vLLM, closes a connection that is idle."""
_log = logging.getLogger("ray.serve")


class ModelServer:
    """A pool of connections to one server.

    Args:
        model: What the server calls the model.
        base_url: Up to and with the version, such as `http://127.0.0.1:8000/v1`.
        api_key: Sent as a bearer token.
        connect_timeout_s: How long a connection may take, the wait for a free one included.
        max_connections: Requests on their way at once.
        cache_salt: Who shares prefixes that the server has computed before.
        transport: In place of the network.

    Raises:
        ConfigError: an address or a key that cannot work.
    """

    def __init__(
        self,
        *,
        model: str,
        base_url: str,
        api_key: "SecretStr | None",
        connect_timeout_s: float,
        max_connections: int,
        cache_salt: CacheSalt,
        transport: httpx.AsyncBaseTransport | None,
    ) -> None:
        url, key = _checked_url(base_url), _checked_key(api_key)
        host = url.host if "." in url.host else ""
        self._model = model
        self._secrets = (key, base_url, url.netloc.decode(), url.password, host)
        self._cache_salt = cache_salt
        self._asks_usage = True
        self._client = httpx.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx.Timeout(None, connect=connect_timeout_s, pool=connect_timeout_s),
            limits=httpx.Limits(
                max_connections=max_connections,
                max_keepalive_connections=max_connections,
                keepalive_expiry=_KEEPALIVE_S,
            ),
            transport=transport,
        )

    async def send(self, prompt: Prompt, sampling: Sampling, *, call: CallContext) -> Reply:
        """Returns the reply as soon as the server has accepted the request.

        Raises:
            RagError: the server did not accept it.
            httpx.HTTPError: it could not be asked.
        """
        asks_usage = self._asks_usage
        salt = salt_of(call.access.tenant, self._cache_salt)
        trace = {"traceparent": call.traceparent} if call.traceparent else {}
        request = self._client.build_request(
            "POST",
            request_path(prompt),
            content=request_body(
                self._model, prompt, sampling, asks_usage=asks_usage, cache_salt=salt
            ),
            headers={
                "Content-Type": "application/json",
                "Accept": "text/event-stream",
                "X-Request-Id": call.request_id.encode("ascii", "replace").decode(),
                **trace,
            },
        )

        def refuse(complaint: "Complaint") -> "RagError":
            return error_of(complaint, secrets=self._secrets, request_id=call.request_id)

        response = await self._client.send(request, stream=True)
        if response.status_code == httpx.codes.OK:
            return Reply(response, refuse)
        complaint = await read_complaint(response)
        if asks_usage and complaint.is_about("stream_options"):
            # Some servers refuse what they do not know: better an answer without counts than none.
            _log.info("The model server takes no stream_options: its answers come without counts.")
            self._asks_usage = False
            return await self.send(prompt, sampling, call=call)
        raise refuse(complaint)

    async def reach(self, timeout_s: float) -> None:
        """Raises Unavailable when the server does not answer in time, or with an error of its
        own."""
        try:
            response = await self._client.get("models", timeout=timeout_s)
        except httpx.PoolTimeout:
            return  # it is busy with our own requests
        except httpx.HTTPError as error:
            raise Unavailable("The model server does not answer.", STAGE, 1.0) from error
        if response.is_server_error:
            raise Unavailable(
                f"The model server answers with status {response.status_code}.", STAGE, 1.0
            )

    def check_open(self) -> None:
        """Raises StageFailed after `close`."""
        if self._client.is_closed:
            raise StageFailed("The engine is not running.", STAGE)

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()


def _checked_url(base_url: str) -> httpx.URL:
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL as error:
        raise ConfigError("The base URL of the model server cannot be read.") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise ConfigError("The base URL of the model server must begin with http:// or https://.")
    return url


def _checked_key(api_key: "SecretStr | None") -> str:
    key = api_key.get_secret_value() if api_key else ""
    if not all("!" <= character <= "~" for character in key):
        raise ConfigError("The API key of the model server must be printable ASCII, on one line.")
    return key
