"""One HTTP service as the target of a load; an HTTP answer becomes a `Reply`."""

import json
from types import TracebackType
from typing import Self

import aiohttp
from yarl import URL

from benchmarks.load.driver import Reply

_REFUSALS = frozenset({429, 503})
_DETAIL_CHARACTERS = 200


class HttpTarget:
    """Posts JSON over kept connections, as many at once as the load asks for.

    Args:
        base_url: Scheme, host and port, such as `http://127.0.0.1:8000`.
        timeout_s: Bound on one request, its body included.
        headers: Sent with every request.
    """

    def __init__(
        self, base_url: str, *, timeout_s: float = 60.0, headers: dict[str, str] | None = None
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._timeout_s = timeout_s
        self._headers = {"content-type": "application/json", **(headers or {})}
        self._urls: dict[str, URL] = {}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60.0),
            timeout=aiohttp.ClientTimeout(total=self._timeout_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=self._headers,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def post(self, path: str, body: bytes, *, parse: bool = False) -> Reply:
        """Returns `ok` for 2xx, `refused` for 429 and 503, else `failed` with the reason.

        The body is always read to its end, so that the connection can be used again and a stream
        counts until its last byte.

        Args:
            path: Begins with a slash.
            body: JSON, encoded beforehand.
            parse: Whether the reply's body is the parsed JSON of a 2xx answer; parsing costs time
                that the load generator may not have. What is no JSON is `failed`.
        """
        assert self._session is not None, "a target is used inside `async with`"
        url = self._urls.get(path)
        if url is None:
            url = self._urls[path] = URL(self._base_url + path)
        try:
            async with self._session.post(url, data=body) as response:
                content = await response.read()
                if response.status in _REFUSALS:
                    return Reply("refused", f"HTTP {response.status}")
                if not 200 <= response.status < 300:
                    text = content.decode("utf-8", "replace")
                    return Reply("failed", f"HTTP {response.status}: {text}"[:_DETAIL_CHARACTERS])
                return Reply("ok", body=json.loads(content) if parse else None)
        except TimeoutError:
            return Reply("failed", f"no answer within {self._timeout_s:g} s")
        except (aiohttp.ClientError, ValueError) as error:
            return Reply("failed", f"{type(error).__name__}: {error}"[:_DETAIL_CHARACTERS])
