"""How long a hit, a miss and an answer without the cache take."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

import httpx
import numpy as np

from deployments.serving.concurrently import gather_or_cancel

Way = Literal["hit", "miss", "bypass"]
WAYS: tuple[Way, ...] = ("bypass", "miss", "hit")
HEADER = "x-ragserve-cache"
_numbers = count(time.time_ns())


class NoCache(Exception):
    """The service keeps no answers to these questions; the message says what to do."""


@dataclass
class Times:
    """The times of one way, in milliseconds."""

    way: Way
    clients: int
    ms: list[float] = field(default_factory=list)

    def row(self) -> dict[str, Any]:
        """Returns the figures."""
        p50, p99 = np.percentile(self.ms, [50, 99])
        figures = {"p50_ms": round(float(p50), 2), "p99_ms": round(float(p99), 2)}
        return {"way": self.way, "clients": self.clients, "requests": len(self.ms), **figures}


async def measure(
    service: httpx.AsyncClient,
    questions: Sequence[str],
    *,
    clients: int,
    requests: int,
    rounds: int,
) -> list[dict[str, Any]]:
    """Returns the times of each way at so many requests at once. The ways take turns, so that a
    slow moment of the machine is everybody's.

    Args:
        service: The service.
        questions: To which it has answers.
        clients: Requests at once.
        requests: Of each way and round.
        rounds: Turns.

    Raises:
        NoCache: an answer is not what its way says.
    """
    times = {way: Times(way, clients) for way in WAYS}
    for question in questions:
        await ask(service, question)
    for _ in range(rounds):
        for way in WAYS:
            waiting = iter([questions[place % len(questions)] for place in range(requests)])

            async def client(way: Way = way, waiting: Any = waiting) -> None:
                for question in waiting:
                    times[way].ms.append(await _timed(service, question, way))

            await gather_or_cancel(*(client() for _ in range(clients)))
    return [times[way].row() for way in WAYS]


async def ask(
    service: httpx.AsyncClient, question: str, *, headers: dict[str, str] | None = None
) -> httpx.Response:
    """Returns the answer to a question."""
    response = await service.post("/v1/query", json={"query": question}, headers=headers)
    response.raise_for_status()
    return response


async def _timed(service: httpx.AsyncClient, question: str, way: Way) -> float:
    headers = {"cache-control": "no-store"} if way == "bypass" else {}
    if way != "hit":
        # Another question in its words, which the index answers alike. For both ways: a question
        # that was asked before is answered faster without this cache too.
        question = f"{question} ({next(_numbers)})"
    started_s = time.perf_counter()
    response = await ask(service, question, headers=headers)
    took_ms = (time.perf_counter() - started_s) * 1e3
    told = response.headers.get(HEADER)
    if told != way:
        raise NoCache(
            f"'{question}' was a {told or 'request without a cache'}, and should be a {way}: set "
            "`cache: {answer: true}` for the release, and ask what its documents answer."
        )
    return took_ms
