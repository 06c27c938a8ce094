"""What a reader of a stream waits for moderation: the first text later, and longer gaps.

Streams run in real time through the product's own guard of an answer, all at once in one event loop
as in a replica of the gateway. Every stream gets a piece at the same rate.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from app.answering.written import AnswerStream
from app.moderation.classifier import AlwaysClosed
from app.moderation.classifiers import Classifiers
from app.moderation.moderator import Moderator
from app.moderation.policies import Policies
from app.request.attempt import AttemptRecord
from app.request.scope import RequestScope
from app.settings.live.gateway import GatewayLive
from deployments.contracts.generation import Events, Generation, Started, TextDelta
from deployments.serving.concurrently import gather_or_cancel

_RELEASE = "measured"
_PIECE_CHARS = 4


@dataclass
class _Read:
    """When text reached readers, in seconds."""

    first_late_s: list[float] = field(default_factory=list)
    gaps_s: list[float] = field(default_factory=list)


async def measure_latency(
    text: str,
    terms: Sequence[str],
    *,
    streams: int,
    answers: int,
    pieces: int,
    pieces_per_s: float,
) -> dict[str, float]:
    """Returns how much later than it was written the first text is read, and the gaps between two
    texts, in milliseconds.

    Args:
        text: What is streamed, in pieces of four characters; each answer begins elsewhere in it.
        terms: Of the list; each has a word after it that the text has not. None checks nothing.
        streams: At once.
        answers: One after the other, of each stream.
        pieces: Of each answer.
        pieces_per_s: Of each stream.
    """
    moderator = _moderator(terms)
    read = _Read()
    length = pieces * _PIECE_CHARS
    step = max(1, (len(text) - length) // (streams * answers))

    async def one(number: int) -> None:
        for answer in range(answers):
            start = (number * answers + answer) * step
            await _read(moderator, text[start : start + length], 1 / pieces_per_s, read)

    await gather_or_cancel(*(one(number) for number in range(streams)))
    first_ms, gaps_ms = 1e3 * np.array(read.first_late_s), 1e3 * np.array(read.gaps_s)
    added_ms = gaps_ms - 1e3 / pieces_per_s
    return {
        "terms": float(len(terms)),
        "streams": float(streams),
        "ttft_added_ms_p50": float(np.percentile(first_ms, 50)),
        "ttft_added_ms_p99": float(np.percentile(first_ms, 99)),
        "gap_added_ms_p50": float(np.percentile(added_ms, 50)),
        "gap_added_ms_p99": float(np.percentile(added_ms, 99)),
    }


async def _read(moderator: Moderator, text: str, every_s: float, read: _Read) -> None:
    loop = asyncio.get_running_loop()
    begun_s = loop.time()
    record = AttemptRecord()
    scope = RequestScope("measured", begun_s + 3600.0)
    answer = AnswerStream(_written(text, begun_s, every_s))
    guarded = moderator.guard(answer, scope, _RELEASE, record, whole=False)
    last_s: float | None = None
    async for batch in guarded.events:
        if not any(isinstance(event, TextDelta) and event.text for event in batch):
            continue
        now_s = loop.time()
        if last_s is None:
            read.first_late_s.append(now_s - begun_s)
        else:
            read.gaps_s.append(now_s - last_s)
        last_s = now_s


async def _written(text: str, begun_s: float, every_s: float) -> Events:
    """Yields a piece at each moment that it is due, the first one at once."""
    loop = asyncio.get_running_loop()
    for number, start in enumerate(range(0, len(text), _PIECE_CHARS)):
        await asyncio.sleep(begun_s + number * every_s - loop.time())
        piece = TextDelta(text[start : start + _PIECE_CHARS], 1)
        yield (Started("model", 1), piece) if not number else (piece,)
    yield (Generation(text, (), True, "stop", 1, 1, "model"),)


def _moderator(terms: Sequence[str]) -> Moderator:
    settings = {
        "releases": {_RELEASE: {"retrieval": "r", "generator": "g"}},
        "traffic": {_RELEASE: 1.0},
    }
    if terms:
        settings["moderation"] = {
            "blocklists": {"list": {"terms": [f"{term} qzxjv" for term in terms]}},
            "policies": {"house": {"output": {"blocklist": ["list"]}}},
            "default": "house",
        }
    live = GatewayLive.model_validate(settings)
    policies = Policies(lambda: live)
    policies.prepare(live.moderation)
    return Moderator(policies, Classifiers(lambda _: AlwaysClosed()))
