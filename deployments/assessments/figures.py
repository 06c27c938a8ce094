"""How the answers of a release are assessed: how many, the mean, and an interval."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, case, func, select

from deployments.assessments.contract import ReleaseScore
from deployments.assessments.tables import AssessmentRow
from deployments.canary.sequential import wilson_bounds

_NORMAL_95 = 1.959964


def scored_answers(tenant: str | None, since_s: float) -> Select[Any]:
    """Returns the statement: by release and name, the answers, the mean of their scores, and how
    many thumbs there were of each kind.

    Args:
        tenant: Of one; None for all.
        since_s: Only what was said since then.
    """
    row = AssessmentRow
    thumbs = [func.sum(case((row.thumb == thumb, 1), else_=0)) for thumb in ("up", "down")]
    answers = (
        select(
            row.release,
            row.name,
            func.avg(row.score).label("score"),
            thumbs[0].label("up"),
            thumbs[1].label("down"),
        )
        .where(row.changed_s >= since_s, row.release != "")
        .group_by(row.release, row.name, row.tenant, row.request_id)
    )
    if tenant is not None:
        answers = answers.where(row.tenant == tenant)
    each = answers.subquery()
    return (
        select(
            each.c.release,
            each.c.name,
            func.count(),
            func.avg(each.c.score),
            func.sum(each.c.up),
            func.sum(each.c.down),
        )
        .group_by(each.c.release, each.c.name)
        .order_by(each.c.name, each.c.release)
    )


def release_scores(found: Sequence[Any]) -> list[ReleaseScore]:
    """Returns the rows of the statement with their intervals.

    Wilson's interval of a share; scores between 0 and 1 vary less than thumbs of the same mean, so
    for them it is rather too wide.

    Source: `deployments.canary.sequential.wilson_bounds`.
    """
    scores = []
    for release, name, count, mean, thumbs_up, thumbs_down in found:
        mean = float(mean)
        low, high = wilson_bounds(mean * count, count, z=_NORMAL_95)
        scores.append(
            ReleaseScore(release, name, count, mean, low, high, int(thumbs_up), int(thumbs_down))
        )
    return scores
