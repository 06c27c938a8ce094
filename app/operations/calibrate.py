"""The story of a calibration: ask a collection what it can answer and what it can not, and store
the score between the two.

No constant fits all collections: on the scale of one reranker, the score that keeps 95 % of the
real questions runs from .52 to .66. The questions take the way of any other, so that what is fitted
is what requests meet. No HTTP, no Ray.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from app.answering.question import Question
from app.answering.search import search
from app.operations.foreign_questions import foreign_questions
from app.operations.own_questions import own_questions
from app.operations.threshold import fit_threshold
from app.releases.attempt import attempt_of
from app.releases.releases import Releases
from app.releases.route import Route
from app.request.scope import RequestScope
from deployments.contracts.search import Calibration, CollectionFacts
from deployments.serving.concurrently import gather_or_cancel

MIN_CHUNKS = 20
"""A smaller collection has too little to ask it about."""

_SAMPLED_CHUNKS = 120
_MIN_QUESTIONS = 15
"""Scores of either kind under which their median is an accident."""

_CONCURRENT_QUESTIONS = 2
"""The next question is searched for while one is reranked; more would only keep requests waiting.
"""

_CHANGED_RATIO = 0.5
"""Share by which the number of documents has to change before a calibration is out of date."""

_RERANK_TIMEOUT_S = 60.0
"""A first look at a collection encodes every passage, and nobody waits for one question."""


@dataclass(frozen=True, slots=True)
class CalibrationOutcome:
    """What became of a calibration: the one that was stored before, and the one that holds now, the
    same where nothing was fitted.

    `status` is `current` where the former one still fits, `impossible` where none can be fitted;
    then `reason` says why.
    """

    status: Literal["fitted", "current", "impossible"]
    before: Calibration | None
    after: Calibration | None
    reason: str = ""


def route_into(releases: Releases, application: str) -> Route:
    """Returns the route of the release that searches a retrieval application and has most traffic,
    ties by name. One must."""
    weights = releases.weights()
    names = [
        name
        for name, release in releases.settings().releases.items()
        if release.retrieval == application
    ]
    return releases.route(min(names, key=lambda name: (-weights.get(name, 0.0), name)))


async def calibrate(
    route: Route, scope: RequestScope, *, only_if_stale: bool
) -> CalibrationOutcome:
    """Fits and stores the calibration of a route's collection.

    Takes some 250 searches. The release's way of searching is kept; its language model is left out,
    and its own `min_relevance_score` has no say.

    Args:
        route: A release over the collection.
        scope: The request, with time for all of it.
        only_if_stale: Leave a calibration alone that still fits the collection.
    """
    retriever = route.retrieval.retriever
    facts = await retriever.facts(call=scope.call())
    before = facts.calibration

    def impossible(reason: str) -> CalibrationOutcome:
        return CalibrationOutcome("impossible", before, before, reason)

    if facts.chunk_count < MIN_CHUNKS:
        return impossible(
            f"The collection has {facts.chunk_count} chunks; from {MIN_CHUNKS} on it can be "
            "calibrated."
        )
    if only_if_stale and before is not None:
        told = await route.retrieval.reranker.description(call=scope.call())
        if not is_stale(before, facts, str(told.get("model", ""))):
            return CalibrationOutcome("current", before, before)
    chunks = await retriever.sample(limit=_SAMPLED_CHUNKS, call=scope.call())
    plain = _without_language_model(route)
    own = await _ask(own_questions(chunks), plain, scope)
    foreign = await _ask(foreign_questions(), plain, scope)
    if min(len(own.scores), len(foreign.scores)) < _MIN_QUESTIONS:
        return impossible("Too few questions were answered with a score of the reranker.")
    fitted = fit_threshold(own.scores, foreign.scores)
    if fitted is None:
        return impossible("Its own questions score no better than questions on other subjects.")
    after = Calibration(
        min_relevance_score=fitted.score,
        reranker_model=foreign.reranker_model,
        document_count=facts.document_count,
        chunk_count=facts.chunk_count,
        own_questions=len(own.scores),
        foreign_questions=len(foreign.scores),
        kept_ratio=fitted.kept_ratio,
        refused_ratio=fitted.refused_ratio,
        fitted_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    await retriever.calibrate(after, call=scope.call())
    return CalibrationOutcome("fitted", before, after)


def is_stale(calibration: Calibration, facts: CollectionFacts, reranker_model: str) -> bool:
    """Returns whether a collection has outgrown its calibration, or has another reranker now."""
    then = calibration.document_count
    changed = abs(facts.document_count - then)
    return calibration.reranker_model != reranker_model or changed > _CHANGED_RATIO * then


@dataclass(frozen=True, slots=True)
class _Judged:
    """The best score that each question found, without those that none was given for."""

    scores: list[float]
    reranker_model: str


async def _ask(questions: Sequence[str], route: Route, scope: RequestScope) -> _Judged:
    scores: list[float] = []
    models = [""]

    async def ask(text: str) -> None:
        attempt = attempt_of(route, scope)
        hits = await search(Question(text), attempt)
        judged = [hit.signals.rerank for hit in hits if hit.signals.rerank is not None]
        if judged:
            scores.append(max(judged))
            models.append(attempt.record.reranker_model)

    for start in range(0, len(questions), _CONCURRENT_QUESTIONS):
        await gather_or_cancel(
            *(ask(question) for question in questions[start : start + _CONCURRENT_QUESTIONS])
        )
    return _Judged(scores, models[-1])


def _without_language_model(route: Route) -> Route:
    changes = {
        "rerank": True,
        "rerank_timeout_s": _RERANK_TIMEOUT_S,
        "extra_queries": 0,
        "hypothetical_passage": False,
        "filter_fields": {},
    }
    return replace(route, release=route.release.model_copy(update=changes))
