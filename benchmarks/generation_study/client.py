"""Puts a load of streams on a server and keeps the times of each answer."""

import asyncio
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import aiohttp

from benchmarks.generation_study.event_reader import BrokenOff, EventReader
from benchmarks.generation_study.workload import PATH, Load, body
from benchmarks.load.driver import OK, Reply, closed_loop

_TIMEOUT_S = 180.0
_PAUSE_S = 0.2
"""After a failure: whoever is refused at once must not ask again at once."""
_WARM_UP_TOKENS = 4
_DETAIL_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """One stream; times are seconds on the performance counter."""

    sent_s: float
    first_text_s: float
    ended_s: float
    prompt_tokens: int
    completion_tokens: int
    events: int


@dataclass(slots=True)
class Run:
    """One load on one server."""

    answers: list[Answer] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    client_cpu_s: float = 0.0
    server_cpu_s: dict[str, float] = field(default_factory=dict)
    """Processor time by the role of the process."""
    foreign_cores: float = 0.0
    """Cores that were busy with neither server nor client: a reason to doubt the figures."""


Content = Callable[[int], str]
"""Gives the text of the n-th request."""


class StreamClient:
    """Asks one server over kept connections. Used inside `async with`.

    Args:
        url: Scheme, host and port.
        model: What requests call the model.
        content: Gives the texts; each is asked once.
    """

    def __init__(self, url: str, model: str, content: Content) -> None:
        self._url = url + PATH
        self._model = model
        self._content = content
        self._numbers = itertools.count()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60.0),
            timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"content-type": "application/json"},
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def warm_up(self, concurrency: int) -> None:
        """Opens the connections, and lets the server run its paths once."""
        dropped = Run()
        await asyncio.gather(*(self._ask(_WARM_UP_TOKENS, dropped) for _ in range(concurrency)))

    async def run(self, load: Load, *, seconds: float) -> Run:
        """Returns what became of a load.

        For so many seconds each answer is followed by the next request; what is on its way then is
        waited for, so that a run has whole answers only.
        """
        run = Run()
        began_s = time.process_time()
        samples = await closed_loop(
            lambda _: self._ask(load.max_tokens, run),
            concurrency=load.concurrency,
            duration_s=seconds,
            drain_s=_TIMEOUT_S,
        )
        run.failures += [sample.detail for sample in samples if sample.outcome != "ok"]
        run.client_cpu_s = time.process_time() - began_s
        return run

    async def _ask(self, max_tokens: int, run: Run) -> Reply:
        content = self._content(next(self._numbers))
        data = body(self._model, content, max_tokens=max_tokens)
        try:
            run.answers.append(await self._read(data))
        except (aiohttp.ClientError, BrokenOff, TimeoutError) as error:
            run.failures.append(f"{type(error).__name__}: {error}"[:_DETAIL_CHARACTERS])
            await asyncio.sleep(_PAUSE_S)
        return OK

    async def _read(self, data: bytes) -> Answer:
        assert self._session is not None, "a client is used inside `async with`"
        reader = EventReader()
        sent_s = time.perf_counter()
        async with self._session.post(self._url, data=data) as response:
            if response.status != 200:
                raise BrokenOff(f"HTTP {response.status}: {await response.text()}")
            async for piece in response.content.iter_any():
                reader.feed(piece, time.perf_counter())
        ended_s = time.perf_counter()
        usage = reader.usage()
        return Answer(
            sent_s=sent_s,
            first_text_s=ended_s if reader.first_text_s is None else reader.first_text_s,
            ended_s=ended_s,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            events=reader.events,
        )
