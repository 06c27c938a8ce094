"""Which engine a reranker has."""

from deployments.encoding.config import TokenVectorArgs
from deployments.reranker.config import RerankerArgs
from deployments.reranker.cross_encoder import CrossEncoderScorer
from deployments.reranker.late_interaction import LateInteractionScorer
from deployments.reranker.scorer import OnBatch, Scorer
from deployments.reranker.second_opinion import SecondOpinionScorer


def build_scorer(
    settings: RerankerArgs,
    kept: TokenVectorArgs | None = None,
    on_batch: OnBatch = lambda report: None,
) -> Scorer:
    """Returns the engine that the settings name.

    Args:
        settings: Of the reranker.
        kept: Where token vectors of passages are kept beyond its memory; None keeps none.
        on_batch: Is told of every run of the model.
    """
    if settings.engine == "cross-encoder":
        return CrossEncoderScorer(settings, on_batch)
    first = LateInteractionScorer(settings, kept or TokenVectorArgs.of(None), on_batch)
    second = settings.second_opinion
    if second is None:
        return first
    return SecondOpinionScorer(
        first,
        CrossEncoderScorer(second, on_batch),
        count=second.first,
        weight=second.weight,
    )
