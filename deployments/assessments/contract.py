"""What the gateway and the tracker tell each other of assessments: ratings by people, and later
those by judges."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from deployments.contracts.calls import CallContext
from deployments.contracts.erasure import ErasureScope
from deployments.contracts.tenants import Erased

AssessmentName = Literal["feedback", "groundedness", "relevance"]
"""`feedback` is what people say. `groundedness` is how far an answer rests on its passages, and
`relevance` how far it answers the question; judges say so."""

Thumb = Literal["", "up", "down"]
Source = Literal["human", "code", "llm_judge"]
"""Who says it: a person, a score that is computed, a language model."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a person says of an answer. Texts are as they may be kept.

    Attributes:
        tenant: Of the key that it came with.
        request_id: Of the answer.
        score: From 0 to 1; a thumb is one or the other.
        thumb: Empty where a score was given.
        comment: Why.
        correction: What the answer should have been.
        user: Who, as they may be called; empty for nobody.
        user_mark: The mark of that user, see `deployments.contracts.erasure`: who says something
            of an answer again says it instead.
        at_s: When, in seconds since the epoch.
    """

    tenant: str
    request_id: str
    score: float
    thumb: Thumb = ""
    comment: str = ""
    correction: str = ""
    user: str = ""
    user_mark: str = ""
    at_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a judge says of an answer.

    Attributes:
        id: Random.
        name: What it is about.
        score: From 0 to 1.
        source: What kind of judge it was.
        source_id: Its model.
        tenant: Whose answer it is.
        request_id: Of the answer.
        release: Who gave the answer.
        fingerprint: Of the release's parameters.
        trace_id: Of the answer's trace; empty where there is none.
        answered_s: When the answer ended, in seconds since the epoch.
        at_s: When it was judged.
        conversation: In which conversation the answer was given; empty for none.
        user_mark: For whom; see `deployments.contracts.erasure`.
    """

    id: str
    name: AssessmentName
    score: float
    source: Source
    source_id: str
    tenant: str
    request_id: str
    release: str
    fingerprint: str
    trace_id: str
    answered_s: float
    at_s: float
    conversation: str = ""
    user_mark: str = ""


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage that an answer was written from."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class RecordedAnswer:
    """What the trace of an answer has of its texts."""

    question: str = ""
    answer: str = ""
    passages: tuple[Passage, ...] = ()


@dataclass(frozen=True, slots=True)
class KeptAssessment:
    """An assessment as it is kept.

    Attributes:
        id: Random.
        name: What it is about.
        source: Who says it.
        source_id: Their name, as it may be kept, or what computes it.
        tenant: Whose answer it is.
        request_id: Of the answer.
        score: From 0 to 1.
        thumb: See `Feedback`.
        comment: Why.
        correction: What the answer should have been.
        release: Who gave the answer.
        trace_id: Of the answer's trace; empty where there is none.
        answered_s: When the answer ended, in seconds since the epoch.
        changed_s: When this was said last.
        version: Counts how often it was said.
        tries: How often its trace was looked for in MLflow in vain.
        recorded: What the trace has of the texts; None where that was not asked for, or where
            there is nothing.
    """

    id: str
    name: AssessmentName
    source: Source
    source_id: str
    tenant: str
    request_id: str
    score: float
    thumb: Thumb
    comment: str
    correction: str
    release: str
    trace_id: str
    answered_s: float
    changed_s: float
    version: int
    tries: int = 0
    recorded: RecordedAnswer | None = None


@dataclass(frozen=True, slots=True)
class AssessmentQuery:
    """Which assessments: the lowest scores first.

    Attributes:
        tenant: Only of this one; None for all.
        name: What they are about.
        since_s: Said since then, in seconds since the epoch.
        release: Only of answers of this one; None for all.
        max_score: None for all.
        after: Id of the last one of the page before; empty for the first page.
        limit: How many at most.
        with_texts: Whether to read questions, answers and passages from the traces.
    """

    tenant: str | None
    name: AssessmentName = "feedback"
    since_s: float = 0.0
    release: str | None = None
    max_score: float | None = None
    after: str = ""
    limit: int = 20
    with_texts: bool = False


@dataclass(frozen=True, slots=True)
class ReleaseScore:
    """How the answers of a release are assessed. Several ratings of one answer count as one, their
    mean.

    Attributes:
        release: Its name.
        name: What is assessed.
        count: Answers.
        mean: Of their scores.
        low: The mean of all answers of the release is at least this, with 95 % confidence.
        high: It is at most this.
        thumbs_up: Of the ratings.
        thumbs_down: Of the ratings.
    """

    release: str
    name: AssessmentName
    count: int
    mean: float
    low: float
    high: float
    thumbs_up: int = 0
    thumbs_down: int = 0


@dataclass(frozen=True, slots=True)
class AssessmentPage:
    """A page of assessments, and whether more follow."""

    assessments: Sequence[KeptAssessment] = field(default_factory=tuple)
    has_more: bool = False


class AssessmentStage(Protocol):
    """The tracker, as far as it keeps assessments. All methods raise StageError."""

    async def rate(self, feedback: Feedback, *, call: CallContext) -> KeptAssessment:
        """Keeps what a person says of an answer, in the place of what they said before.

        Raises:
            NotFound: the tenant was given no such answer, or not lately.
            Conflict: too many people have rated it.
        """
        ...

    async def assessments(self, query: AssessmentQuery, *, call: CallContext) -> AssessmentPage:
        """Returns assessments, the lowest scores first.

        Raises:
            NotFound: there is none `after`.
        """
        ...

    async def scores(
        self, *, tenant: str | None, since_s: float, call: CallContext
    ) -> Sequence[ReleaseScore]:
        """Returns how the answers of each release are assessed that were assessed since then; of
        one tenant, or of all."""
        ...

    async def erase_assessments(self, scope: ErasureScope, *, call: CallContext) -> Erased:
        """Removes some of what a user has said, and of what was said of the answers of a user or a
        conversation, here and in MLflow; repeat it until it is done."""
        ...
