"""Assessments as they go out."""

from app.schemas.feedback import (
    FeedbackInfo,
    FeedbackPassage,
    RatedAnswer,
    RecordedTexts,
    ReleaseScoreInfo,
)
from deployments.assessments.contract import KeptAssessment, RecordedAnswer, ReleaseScore

_SCORE_DIGITS = 4


def feedback_info(kept: KeptAssessment) -> FeedbackInfo:
    """Returns what was said of an answer."""
    return FeedbackInfo(
        id=kept.id,
        request_id=kept.request_id,
        name=kept.name,
        source=kept.source,
        thumb=kept.thumb or None,
        score=kept.score,
        comment=kept.comment,
        correction=kept.correction,
        release=kept.release,
        trace_id=kept.trace_id or None,
        answered_at=int(kept.answered_s),
        rated_at=int(kept.changed_s),
        times=kept.version,
    )


def rated_answer(kept: KeptAssessment) -> RatedAnswer:
    """Returns what was said of an answer, and the answer."""
    recorded = None if kept.recorded is None else _texts(kept.recorded)
    return RatedAnswer(**dict(feedback_info(kept)), recorded=recorded)


def release_score(score: ReleaseScore) -> ReleaseScoreInfo:
    """Returns how the answers of a release are assessed."""
    return ReleaseScoreInfo(
        release=score.release,
        name=score.name,
        count=score.count,
        mean=round(score.mean, _SCORE_DIGITS),
        low=round(score.low, _SCORE_DIGITS),
        high=round(score.high, _SCORE_DIGITS),
        thumbs_up=score.thumbs_up,
        thumbs_down=score.thumbs_down,
    )


def _texts(recorded: RecordedAnswer) -> RecordedTexts:
    return RecordedTexts(
        question=recorded.question,
        answer=recorded.answer,
        passages=[FeedbackPassage.model_validate(one) for one in recorded.passages],
    )
