"""Finished requests for the tests of what is kept of them."""

from dataclasses import replace
from typing import Any

from app.request.attempt import AttemptRecord, StageTime
from app.request.notes import RequestNotes
from app.request.trace_context import TraceContext
from app.telemetry.requests import FinishedRequest
from deployments.contracts.calls import Lap
from deployments.contracts.documents import Chunk
from deployments.contracts.generation import Citation, Generation, Message
from deployments.contracts.search import ScoredChunk, Signals

STARTED_NS = 1_800_000_000_000_000_000
MS = 1_000_000


def hits(*names: str) -> tuple[ScoredChunk, ...]:
    return tuple(
        ScoredChunk(
            Chunk(name, "doc", rank, f"text of {name}", "docs/a.md", "A"),
            1 - rank / 10,
            rank,
            Signals(dense=0.5, rerank=0.8 - rank / 10),
        )
        for rank, name in enumerate(names, start=1)
    )


def written(**fields: Any) -> Generation:
    usual = Generation(
        text="It is refused. [1]",
        citations=(Citation(0, 14, 1),),
        grounded=True,
        finish_reason="stop",
        prompt_tokens=600,
        completion_tokens=5,
        model="extractive",
        prompt="answer-v1",
        context=(1, 2),
        cached_tokens=100,
        ttft_ms=30.0,
    )
    return replace(usual, **fields)


def attempt() -> AttemptRecord:
    found = hits("a", "b", "c")
    times = {
        "embedder": StageTime(10, 2, 5, 8, STARTED_NS, 3),
        "retriever": StageTime(
            20, 1, 9, 16, STARTED_NS + 10 * MS, 1, laps=(Lap("dense", 1.0, 9.0),)
        ),
        "reranker": StageTime(40, 4, 30, 36, STARTED_NS + 30 * MS, 2),
        "generator": StageTime(50, 0, 45, 46, STARTED_NS + 70 * MS, laps=(Lap("prompt", 0, 1),)),
    }
    return AttemptRecord(
        times=times,
        embedding_tokens=7,
        rerank_tokens=90,
        query="full?",
        found=found,
        hits=found[:2],
    )


def finished(notes: RequestNotes | None = None, **fields: Any) -> FinishedRequest:
    answered = RequestNotes(
        key_id="0123456789ab",
        usage_key="0123456789ab",
        messages=(Message("user", "What happens when a queue is full?"),),
        release="one",
        attempt=attempt(),
        written=written(),
    )
    usual = FinishedRequest(
        request_id="r-1",
        kind="request",
        trace=TraceContext(0xABC << 64 | 0xDEF, 0x123),
        method="POST",
        route="/v1/query",
        status=200,
        started_ns=STARTED_NS,
        total_ms=125.0,
        notes=notes or answered,
    )
    return replace(usual, **fields)
