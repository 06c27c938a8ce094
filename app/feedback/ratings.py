"""Ratings of answers on their way to the tracker, which knows all answers that were given lately.

An answer's id travels there with the usage of its replica, about once a second. So an id that is
not known yet may be in a moment: it is asked for again before the client hears that there is none.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from app.feedback.texts import FeedbackTexts
from deployments.assessments.contract import (
    AssessmentPage,
    AssessmentQuery,
    AssessmentStage,
    Feedback,
    KeptAssessment,
    ReleaseScore,
    Thumb,
)
from deployments.contracts.calls import CallContext
from deployments.contracts.erasure import user_mark
from deployments.contracts.errors import NotFound

_SCORES: dict[str, float] = {"up": 1.0, "down": 0.0}
_ON_THE_WAY_S = 0.5


@dataclass(frozen=True, slots=True)
class Said:
    """What a client sends of an answer.

    Attributes:
        request_id: Of the answer.
        thumb: Empty where there is a score.
        score: None where there is a thumb.
        comment: Why.
        correction: What the answer should have been.
        user: Who says it; empty for whoever asked.
    """

    request_id: str
    thumb: Thumb = ""
    score: float | None = None
    comment: str = ""
    correction: str = ""
    user: str = ""


class Ratings:
    """Takes ratings of answers.

    Args:
        tracker: Keeps them.
        texts: Says what of their texts may be kept.
        tell: Tells the tracker at once what this replica has answered.
        every_s: Time between two reports of any other replica.
        now_s: Seconds since the epoch.
    """

    def __init__(
        self,
        tracker: AssessmentStage,
        texts: FeedbackTexts,
        *,
        tell: Callable[[], Awaitable[object]],
        every_s: float,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._tracker = tracker
        self._texts = texts
        self._tell = tell
        self._every_s = every_s
        self._now_s = now_s

    async def rate(
        self, said: Said, *, tenant: str, key_id: str, call: Callable[[], CallContext]
    ) -> KeptAssessment:
        """Keeps what is said of an answer, and returns it as it is kept.

        Args:
            said: By the client.
            tenant: Of its key.
            key_id: Names its key.
            call: Returns the request, and the time that it has left.

        Raises:
            NotFound: the tenant was given no such answer, or not lately.
            Conflict: too many people have rated it.
        """
        keep = self._texts.keep(key_id)

        def as_kept() -> tuple[str, ...]:
            # Of long texts redacting takes milliseconds, in which nobody else would be served.
            return tuple(
                keep(text) if text else "" for text in (said.comment, said.correction, said.user)
            )

        comment, correction, user = await asyncio.to_thread(as_kept)
        score = _SCORES[said.thumb] if said.score is None else said.score
        feedback = Feedback(
            tenant=tenant,
            request_id=said.request_id,
            score=score,
            thumb=said.thumb,
            comment=comment,
            correction=correction,
            user=user,
            user_mark=user_mark(tenant, said.user),
            at_s=self._now_s(),
        )
        try:
            return await self._tracker.rate(feedback, call=call())
        except NotFound:
            await self._tell()
        try:
            return await self._tracker.rate(feedback, call=call())
        except NotFound:
            await asyncio.sleep(self._every_s + _ON_THE_WAY_S)
        return await self._tracker.rate(feedback, call=call())

    async def page(self, query: AssessmentQuery, *, call: CallContext) -> AssessmentPage:
        """See `AssessmentStage.assessments`."""
        return await self._tracker.assessments(query, call=call)

    async def scores(
        self, *, tenant: str | None, days: float, call: CallContext
    ) -> Sequence[ReleaseScore]:
        """Returns how the answers of releases were assessed in the last days."""
        since_s = self.since_s(days)
        return await self._tracker.scores(tenant=tenant, since_s=since_s, call=call)

    def since_s(self, days: float) -> float:
        """Returns when the last days began, in seconds since the epoch."""
        return self._now_s() - days * 86_400.0
