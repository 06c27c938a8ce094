"""Ratings of answers as evidence of a rollout.

They come minutes after the answers, and people change their minds: so nobody sums them up on the
way. They stand in the database, one row for each rated answer, and what they say is read anew at
every look.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from deployments.canary.evidence import ARMS, Arm, Evidence
from deployments.canary.recording import Outcomes, gather

RATED = "feedback"
"""Name of the metric."""


@dataclass(frozen=True, slots=True)
class ArmRating:
    """How much an answer was liked.

    Attributes:
        arm: The arm that it was given in.
        bucket: Of its caller; see `deployments.canary.recording.bucket_of`.
        at_s: When it was rated first, in seconds since the epoch.
        score: From 0 to 1; the mean where several people have rated it.
    """

    arm: Arm
    bucket: int
    at_s: float
    score: float


def rating_evidence(ratings: Iterable[ArmRating], *, stage: int, block_s: float) -> Evidence:
    """Returns ratings as evidence of the stage in which they came; they are no requests of it."""
    by_arm: dict[Arm, list[ArmRating]] = {arm: [] for arm in ARMS}
    for rating in ratings:
        by_arm[rating.arm].append(rating)
    arms = {arm: _outcomes(found) for arm, found in by_arm.items() if found}
    return replace(gather(arms, stage=stage, block_s=block_s), requests={})


def _outcomes(ratings: Sequence[ArmRating]) -> Outcomes:
    return Outcomes(
        at_s=[rating.at_s for rating in ratings],
        buckets=[rating.bucket for rating in ratings],
        values={RATED: [rating.score for rating in ratings]},
    )
