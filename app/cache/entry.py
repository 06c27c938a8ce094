"""What is kept of an answer: its text and what it rests on, never a header, an id or a time of the
request that it was written for."""

from dataclasses import dataclass, replace
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from app.request.caching import CacheMatch
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
        match: Why it was found; `exact` as it is kept.
    """

    written: Generation
    sources: tuple[ScoredChunk, ...]
    created_s: float
    trace_id: str = ""
    match: CacheMatch = "exact"
    form: int = _FORM


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question whose answer is kept, to be compared with questions that may ask the same.

    Attributes:
        question: Its canonical text.
        key: The key of its answer.
    """

    question: str
    key: str
    form: int = _FORM


_ADAPTER: TypeAdapter[Entry] = TypeAdapter(Entry)
_CANDIDATE: TypeAdapter[Candidate] = TypeAdapter(Candidate)


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


def encode_candidate(candidate: Candidate) -> bytes:
    """Returns a candidate as a store keeps it."""
    return _CANDIDATE.dump_json(candidate)


def decode_candidate(value: bytes) -> Candidate | None:
    """Returns the candidate that a store kept; see `decode`."""
    try:
        candidate = _CANDIDATE.validate_json(value)
    except ValidationError:
        return None
    return candidate if candidate.form == _FORM else None
