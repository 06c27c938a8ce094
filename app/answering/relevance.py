"""Which of the chunks that were found may support an answer."""

from collections.abc import Sequence

from app.releases.attempt import Attempt
from app.settings.live.release import DEFAULT_MIN_RELEVANCE_SCORE
from deployments.contracts.search import ScoredChunk


def relevant(hits: Sequence[ScoredChunk], attempt: Attempt) -> list[ScoredChunk]:
    """Returns the chunks that the reranker does not find irrelevant; all where it did not judge.

    The others are withheld from the generator, which then says that it does not know.
    """
    least = _min_relevance_score(attempt)
    judgements = [(hit, hit.signals.rerank) for hit in hits]
    return [hit for hit, score in judgements if score is None or score >= least]


def _min_relevance_score(attempt: Attempt) -> float:
    """Returns the release's own score; else the one that was fitted to the collection, as far as
    with the reranker that judged; else the default."""
    release, record = attempt.route.release, attempt.record
    if release.min_relevance_score is not None:
        return release.min_relevance_score
    fitted = record.calibration
    if fitted is None or fitted.reranker_model != record.reranker_model:
        return DEFAULT_MIN_RELEVANCE_SCORE
    return fitted.min_relevance_score
