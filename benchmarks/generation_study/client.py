"""Puts a load of streams on a server and keeps the times of each answer."""

import asyncio
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field

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


Content = Callable[[int], str]
"""Gives the text of the n-th request."""


class StreamClient:
    """Asks one server over kept connections.

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

    async def run(self, load: Load, *, seconds: float) -> Run:
        """Returns what became of a load, after a short warm-up.

        For so many seconds each answer is followed by the next request; what is on its way then is
        waited for, so that a run has whole answers only.
        """
        run = Run()
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60.0)
        async with aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"content-type": "application/json"},
        ) as session:
            warm_up = Run()
            await asyncio.gather(
                *(self._ask(session, _WARM_UP_TOKENS, warm_up) for _ in range(load.concurrency))
            )
            began_s = time.process_time()
            await closed_loop(
                lambda _: self._ask(session, load.max_tokens, run),
                concurrency=load.concurrency,
                duration_s=seconds,
                drain_s=_TIMEOUT_S,
            )
            run.client_cpu_s = time.process_time() - began_s
        return run

    async def _ask(self, session: aiohttp.ClientSession, max_tokens: int, run: Run) -> Reply:
        content = self._content(next(self._numbers))
        data = body(self._model, content, max_tokens=max_tokens)
        try:
            run.answers.append(await self._read(session, data))
        except (aiohttp.ClientError, BrokenOff, TimeoutError) as error:
            run.failures.append(f"{type(error).__name__}: {error}"[:_DETAIL_CHARACTERS])
            await asyncio.sleep(_PAUSE_S)
        return OK

    async def _read(self, session: aiohttp.ClientSession, data: bytes) -> Answer:
        reader = EventReader()
        sent_s = time.perf_counter()
        async with session.post(self._url, data=data) as response:
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
