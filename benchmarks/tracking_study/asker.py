"""Asks one of two gateways, and remembers the traces of what was answered."""

from types import TracebackType
from typing import Self

import aiohttp

from benchmarks.load.driver import OK, Reply

UNTRACKED, TRACKED = "", "/tracked"
"""Where the gateways of `benchmarks/noop/serve_config.tracked.yaml` are."""
_BODY = b'{"query": "What happens when a queue is full?", "user": "a-user", "session_id": "s"}'
_REFUSALS = (429, 503)


class Asker:
    """Runs inside `async with`.

    Args:
        url: Of the service.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._session: aiohttp.ClientSession | None = None
        self.answered: set[str] = set()
        """Trace ids of what the tracked gateway answered."""

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60.0),
            timeout=aiohttp.ClientTimeout(total=30.0),
            headers={"content-type": "application/json"},
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

    async def ask(self, gateway: str) -> Reply:
        """Asks once."""
        assert self._session is not None, "an asker is used inside `async with`"
        url = f"{self._url}{gateway}/v1/query"
        async with self._session.post(url, data=_BODY) as response:
            await response.read()
        if response.status in _REFUSALS:
            return Reply("refused", f"HTTP {response.status}")
        if response.status != 200:
            return Reply("failed", f"HTTP {response.status}")
        if gateway == TRACKED:
            self.answered.add(response.headers["traceparent"].split("-")[1])
        return OK
