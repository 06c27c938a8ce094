"""One answer against what is known of its question."""

from dataclasses import dataclass

from app.cli.evaluate.matching import holds_any
from app.cli.evaluate.questions import Known
from app.schemas.answers import QueryResponse
from deployments.contracts.generation import without_citations


@dataclass(frozen=True, slots=True)
class Judged:
    """What a release made of a question. What was not known is None.

    Attributes:
        known: The question.
        release: Who answered.
        answer: What it said; empty where the request failed.
        error: Why there is no answer; empty where there is one.
        is_given: Whether it answered, rather than saying that nothing supports an answer.
        rank: Place of the first right document among the sources, 0 where none is there.
        is_right: Whether the answer has what is right, or was refused where nothing is.
        latency_ms: From the request to the whole answer, at the client.
    """

    known: Known
    release: str
    answer: str
    error: str
    is_given: bool
    rank: int | None
    is_right: bool | None
    latency_ms: float


def judge(known: Known, release: str, told: QueryResponse, latency_ms: float) -> Judged:
    """Returns what is to be said of an answer."""
    is_right: bool | None = None
    if not known.answerable:
        is_right = not told.grounded
    elif known.answer:
        is_right = told.grounded and holds_any(without_citations(told.answer), known.answer)
    return Judged(
        known,
        release,
        told.answer,
        "",
        told.grounded,
        _rank(known, told) if known.document else None,
        is_right,
        latency_ms,
    )


def failed(known: Known, release: str, error: str, latency_ms: float) -> Judged:
    """Returns what is to be said of a request that failed: it found and said nothing."""
    is_known = bool(known.answer) or not known.answerable
    return Judged(
        known,
        release,
        "",
        error,
        False,
        0 if known.document else None,
        False if is_known else None,
        latency_ms,
    )


def _rank(known: Known, told: QueryResponse) -> int:
    wanted = set(known.document)
    places = (
        place
        for place, source in enumerate(told.sources, start=1)
        if {source.path, source.document_id} & wanted
    )
    return next(places, 0)
