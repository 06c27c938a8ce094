"""Whether an answer is ever older than a write that was acknowledged before its request began."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from benchmarks.cache_study.latency import HEADER, ask

DOCUMENT_ID = "cache-benchmark"
QUESTION = "Which number does the benchmark document of the cache hold?"


@dataclass
class Seen:
    """What was answered."""

    hits: int = 0
    misses: int = 0
    stale: list[str] = field(default_factory=list)


async def look_for_stale_answers(
    service: httpx.AsyncClient, *, hits: int, clients: int, every_s: float, timeout_s: float
) -> dict[str, Any]:
    """Returns how many answers came from the cache while a document changed, and those of them that
    did not have what had been acknowledged before they were asked for.

    Args:
        service: The service.
        hits: So many answers from the cache are looked at.
        clients: Who ask all the time.
        every_s: Time between two writes.
        timeout_s: It gives up after that.
    """
    seen, acknowledged, ends = Seen(), [0], asyncio.Event()

    async def write() -> None:
        number = 0
        while not ends.is_set():
            number += 1
            await _write(service, number)
            acknowledged[0] = number
            await asyncio.sleep(every_s)

    async def read() -> None:
        while not ends.is_set():
            least = acknowledged[0]
            response = await ask(service, QUESTION)
            is_hit = response.headers.get(HEADER) == "hit"
            seen.hits += is_hit
            seen.misses += not is_hit
            answered = _number_in(response.json())
            # Before the first write is acknowledged, an answer without the document is right.
            if is_hit and least and (answered is None or answered < least):
                seen.stale.append(f"{answered} after {least}")
            if seen.hits >= hits:
                ends.set()

    started_s = time.monotonic()
    try:
        async with asyncio.timeout(timeout_s), asyncio.TaskGroup() as group:
            group.create_task(write())
            for _ in range(clients):
                group.create_task(read())
    except TimeoutError:
        pass
    finally:
        await service.delete(f"/v1/documents/{DOCUMENT_ID}")
    return {
        "hits": seen.hits,
        "misses": seen.misses,
        "writes": acknowledged[0],
        "stale": len(seen.stale),
        "examples": seen.stale[:5],
        "took_s": round(time.monotonic() - started_s, 1),
    }


async def _write(service: httpx.AsyncClient, number: int) -> None:
    text = f"The benchmark document of the cache holds the number {number}."
    document = {"id": DOCUMENT_ID, "path": f"{DOCUMENT_ID}.md", "text": text}
    response = await service.post("/v1/documents", json={"documents": [document]})
    response.raise_for_status()
    assert response.json()["failed"] == 0, response.text


def _number_in(answer: dict[str, Any]) -> int | None:
    """Returns the number that the first source of the document has."""
    for source in answer["sources"]:
        if source["document_id"] == DOCUMENT_ID:
            words = source["text"].rstrip(". ").split()
            return int(words[-1])
    return None
