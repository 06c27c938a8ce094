"""What is judged: a question, its answer sentence by sentence, and the passages that each rests
on."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.telemetry.requests import FinishedRequest
from deployments.contracts.generation import Citation, without_citations
from deployments.moderation.sentences import sentences

MAX_SENTENCES, MAX_PASSAGES = 12, 8
"""Of one answer: what follows costs as much and says no more."""
_WORD = re.compile(r"\w")
_FINISHED = ("stop", "length")
_KINDS = ("request", "item")


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence of an answer, and the passages that it cites; all of the answer's, where it cites
    none."""

    text: str
    passages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """A question and its answer.

    Attributes:
        question: As it was searched for: a follow-up stands alone.
        answer: Without the marks of its citations.
        statements: The answer, sentence by sentence.
        passages: What it was written from, best first.
    """

    question: str
    answer: str
    statements: tuple[Statement, ...]
    passages: tuple[str, ...]


def answered(request: FinishedRequest) -> Answered | None:
    """Returns what of a finished request can be judged: a whole answer from passages, that somebody
    has asked for now. None where there is none: a refusal says nothing that could be unfounded."""
    notes, attempt = request.notes, request.notes.attempt
    written = notes.written
    if request.kind not in _KINDS or request.outcome != "ok" or notes.trace_wish == "none":
        return None
    if written is None or attempt is None or notes.is_cache_hit or not notes.release:
        return None
    if not written.grounded or written.finish_reason not in _FINISHED or not attempt.hits:
        return None
    by_rank = {hit.rank: hit.chunk.passage() for hit in attempt.hits}
    passages = tuple(by_rank.values())[:MAX_PASSAGES]
    statements = _statements(written.text, written.citations, by_rank, passages)
    question = attempt.query or (notes.messages[-1].content if notes.messages else "")
    if not question or not statements:
        return None
    return Answered(question, without_citations(written.text).strip(), statements, passages)


def _statements(
    text: str,
    citations: Sequence[Citation],
    by_rank: dict[int, str],
    passages: tuple[str, ...],
) -> tuple[Statement, ...]:
    found, start = [], 0
    for sentence in sentences(text):
        end = start + len(sentence)
        cited = dict.fromkeys(
            by_rank[one.source]
            for one in citations
            if one.start < end and one.end > start and one.source in by_rank
        )
        start = end
        said = without_citations(sentence).strip()
        if _WORD.search(said):
            found.append(Statement(said, tuple(cited)[:MAX_PASSAGES] or passages))
    return tuple(found[:MAX_SENTENCES])
