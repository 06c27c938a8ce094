"""What is kept of an answer: its text and what it rests on, never a header, an id or a time of the
request that it was written for."""

from dataclasses import dataclass, replace
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from deployments.contracts.calls import Times
from deployments.contracts.generation import Generation
from deployments.contracts.search import ScoredChunk

Level = Literal["answer", "generation"]
"""What is given again: a whole answer, or what a generator wrote for a prompt."""
_FORM = 1
"""Changes with what is kept: values of another form are none."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An answer that may be given again.

    Attributes:
        written: What the generator wrote.
        sources: The chunks that were found for it, best first; none for `generation`.
        created_s: When it was written, in seconds since the epoch.
        trace_id: The trace of the request that it was written for.
    """

    written: Generation
    sources: tuple[ScoredChunk, ...]
    created_s: float
    trace_id: str = ""
    form: int = _FORM


_ADAPTER: TypeAdapter[Entry] = TypeAdapter(Entry)


def entry_of(
    written: Generation, sources: tuple[ScoredChunk, ...], *, created_s: float, trace_id: str
) -> Entry:
    """Returns what is kept of an answer."""
    timeless = replace(written, times=Times(), ttft_ms=0.0, passed_over=0, cached_tokens=0)
    unowned = tuple(replace(hit, chunk=replace(hit.chunk, acl=None)) for hit in sources)
    return Entry(timeless, unowned, created_s, trace_id)


def encode(entry: Entry) -> bytes:
    """Returns an entry as a store keeps it."""
    return _ADAPTER.dump_json(entry, fallback=float)


def decode(value: bytes) -> Entry | None:
    """Returns the entry that a store kept, None where it is none, or of another version."""
    try:
        entry = _ADAPTER.validate_json(value)
    except ValidationError:
        return None
    return entry if entry.form == _FORM else None
