"""What the gateway tells the tracker of the requests that it served: usage, figures per release and
minute, and a sample of the queries. Sums only, and nothing that was asked or answered."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

from deployments.assessments.contract import AssessmentStage, Judgement
from deployments.contracts.calls import CallContext
from deployments.contracts.erasure import ErasureScope
from deployments.contracts.tenants import DEFAULT_TENANT, Erased
from deployments.drift import DriftStage
from deployments.sketch import Sketch

if TYPE_CHECKING:
    from deployments.recent_activity import RecentActivity

Dimension = Literal["day", "tenant", "key", "release", "model", "prices"]
"""What usage can be divided by; `key` is the id of an API key, `prices` the version of the price
table."""

OTHER_KEYS = "other"
"""Stands for the API keys of a replica that has seen too many of them."""


@dataclass(frozen=True, slots=True)
class UsageKey:
    """What usage is summed up by.

    Attributes:
        day: In UTC, such as 2026-11-21: the day on which the request ended.
        key_id: Names an API key without telling it; empty where there was none.
        release: Who answered; empty where a generator was asked under its own name.
        model: Who wrote; empty where nothing was written.
        prices: Version of the price table that the cost is by.
        tenant: Whose key it is.
    """

    day: str
    key_id: str
    release: str
    model: str
    prices: str
    tenant: str = DEFAULT_TENANT


@dataclass(frozen=True, slots=True)
class Usage:
    """Sums over requests; `cost_picousd` in millionths of a millionth of a dollar, so that they are
    exact. `failed` are those that had no answer because something broke."""

    requests: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    embedding_tokens: int = 0
    rerank_tokens: int = 0
    cost_picousd: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(*_sums(self, other))


@dataclass(frozen=True, slots=True)
class MinuteCounts:
    """What requests of one release came to.

    Attributes:
        requests: All of them.
        failed: Not answered, or not to the end, because something broke.
        aborted: Given up by their clients.
        rejected: Turned down because of what they asked, or because of overload.
        answered: Those with a written answer; the next two are counted among them.
        ungrounded: Answered with a refusal, for want of support in the documents.
        truncated: Cut off at the token limit.
        degraded: Served without a stage.
        prompt_tokens: Read by the generator.
        cached_tokens: Of these, not computed again.
        completion_tokens: Written.
        cost_picousd: See `Usage`.
        blocked: Of the answered ones, those that a moderation policy has ended.
        cache_hits: Answered with what was written for another request: they have no times.
        rated: Answers that somebody has rated.
        rating_thousandths: Sum of their ratings, each from 0 to 1000.
        judged: Answers that a judge has seen.
        groundedness_thousandths: Sum of what it said of them, each from 0 to 1000.
        relevance_thousandths: The same.
    """

    requests: int = 0
    failed: int = 0
    aborted: int = 0
    rejected: int = 0
    answered: int = 0
    ungrounded: int = 0
    truncated: int = 0
    degraded: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    cost_picousd: int = 0
    blocked: int = 0
    cache_hits: int = 0
    rated: int = 0
    rating_thousandths: int = 0
    judged: int = 0
    groundedness_thousandths: int = 0
    relevance_thousandths: int = 0

    def __add__(self, other: "MinuteCounts") -> "MinuteCounts":
        return MinuteCounts(*_sums(self, other))


@dataclass(frozen=True, slots=True)
class ReleaseMinute:
    """What one release did in one minute, or a part of that.

    Attributes:
        release: Its name.
        fingerprint: Of its parameters, by which `ActivityReport.vectors` has them.
        minute: Since the epoch. Requests belong to the minute in which they ended.
        counts: Sums.
        timings: In milliseconds: `total_ms`, `queue_ms`, `ttft_ms` and `tpot_ms` of answers, and
            `<stage>_ms` of each stage. What failed or was given up has none: failing at once is not
            being fast.
    """

    release: str
    fingerprint: str
    minute: int
    counts: MinuteCounts
    timings: Mapping[str, Sketch]


def merged_timings(minutes: Iterable[ReleaseMinute]) -> dict[str, Sketch]:
    """Returns the times of some minutes together, by name."""
    timings: dict[str, Sketch] = {}
    for minute in minutes:
        for name, sketch in minute.timings.items():
            timings.setdefault(name, Sketch()).merge(sketch)
    return timings


@dataclass(frozen=True, slots=True)
class QuerySample:
    """One of the queries of a minute, drawn by chance, for whoever compares them over time.

    Attributes:
        at_s: When it ended, in seconds since the epoch.
        release: Who answered.
        vector: The embedding of what was searched for, as little-endian float16.
        dimension: Numbers in it.
        top_score: Score of the best passage; None where nothing was found, or where the reranker
            did not answer: other scores do not compare.
        grounded: Whether the documents supported an answer.
        answer_words: Length of the answer.
        tenant: Who asked.
        conversation: In which conversation; empty for none.
        user_mark: For whom; see `deployments.contracts.erasure`.
    """

    at_s: float
    release: str
    vector: bytes
    dimension: int
    top_score: float | None
    grounded: bool
    answer_words: int
    tenant: str = DEFAULT_TENANT
    conversation: str = ""
    user_mark: str = ""


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """An answer that somebody may say something of later: where it is recorded and what it is
    evidence for, and nothing of its text.

    Attributes:
        tenant: Who asked.
        request_id: Of its request, as the client knows it; the latest one of equal ids counts.
        at_s: When it ended, in seconds since the epoch.
        release: Who gave it; empty where a generator was asked under its own name.
        fingerprint: Of the release's parameters.
        trace_id: Of its trace, 32 hexadecimal digits; empty where none is kept.
        rollout: The rollout that it is evidence for; empty for none.
        arm: The arm of that; empty for none.
        bucket: The caller's; see `deployments.canary.recording.bucket_of`.
        conversation: In which conversation; empty for none.
        user_mark: For whom; see `deployments.contracts.erasure`.
    """

    tenant: str
    request_id: str
    at_s: float
    release: str
    fingerprint: str = ""
    trace_id: str = ""
    rollout: str = ""
    arm: str = ""
    bucket: int = 0
    conversation: str = ""
    user_mark: str = ""

    @property
    def minute(self) -> int:
        """The minute, since the epoch, whose figures it is in."""
        return int(self.at_s // 60)


@dataclass(frozen=True, slots=True)
class ActivityReport:
    """What an ingress replica says about once a second, if there is anything to say.

    A report whose answer was lost is sent again under the same number, so that nothing counts twice
    and nothing is lost.

    Attributes:
        replica: Which one.
        sequence: Rises with every new report of a replica.
        usage: By key.
        minutes: By release, parameters and minute.
        samples: Queries.
        vectors: Parameters of the releases in `minutes`, by fingerprint.
        answers: Those that were given, so that they can be assessed.
        judgements: What judges said of answers.
    """

    replica: str
    sequence: int
    usage: Mapping[UsageKey, Usage]
    minutes: Sequence[ReleaseMinute]
    samples: Sequence[QuerySample]
    vectors: Mapping[str, Mapping[str, Any]]
    answers: Sequence[GivenAnswer] = ()
    judgements: Sequence[Judgement] = ()


@dataclass(frozen=True, slots=True)
class UsageQuery:
    """Which usage, and divided by what.

    Attributes:
        from_day: The first day, such as 2026-11-01.
        to_day: The last day.
        by: What the rows are told apart by, in the order of their columns; none gives one row.
        key_id: Only this one; None for all, as of the next two.
        release: Only this one.
        model: Only this one.
        limit: Rows at most.
        tenant: Only this one; None for all.
    """

    from_day: str
    to_day: str
    by: tuple[Dimension, ...] = ()
    key_id: str | None = None
    release: str | None = None
    model: str | None = None
    limit: int = 10_000
    tenant: str | None = None

    def of_key(self, key_id: str) -> "UsageQuery":
        """Returns the same query for one key alone."""
        return replace(self, key_id=key_id)

    def of_tenant(self, tenant: str) -> "UsageQuery":
        """Returns the same query for one tenant alone."""
        return replace(self, tenant=tenant)


@dataclass(frozen=True, slots=True)
class UsageRow:
    """Usage of one group; `group` has a value for each dimension that was asked for."""

    group: Mapping[Dimension, str]
    usage: Usage


class TrackerStage(DriftStage, AssessmentStage, Protocol):
    """The tracker, as the gateway sees it. All methods raise StageError."""

    async def describe(self, *, call: CallContext) -> dict[str, object]:
        """Returns under `mlflow` that it answers, or what is wrong with it; no such key where there
        is none."""
        ...

    async def take(self, report: ActivityReport, *, call: CallContext) -> None:
        """Keeps a report, once; it is kept when this returns."""
        ...

    async def erase_tenant(self, tenant: str, *, call: CallContext) -> Erased:
        """Removes sampled queries, and some assessments and traces of a tenant; repeat it until it
        is done. Sums of usage stay: they hold no text."""
        ...

    async def erase_samples(self, scope: ErasureScope, *, call: CallContext) -> Erased:
        """Removes the sampled queries of a conversation or a user."""
        ...

    async def erase_traces(self, scope: ErasureScope, *, call: CallContext) -> Erased:
        """Removes some traces of a conversation or a user; repeat it until it is done."""
        ...

    async def recent(self, *, first_minute: int, call: CallContext) -> "RecentActivity":
        """Returns what was asked since a minute, which is counted since the epoch."""
        ...

    async def usage(self, query: UsageQuery, *, call: CallContext) -> Sequence[UsageRow]:
        """Returns usage in the order of its groups.

        Raises:
            InvalidRequest: there are more rows than the query allows.
        """
        ...


def completed(report: ActivityReport) -> ActivityReport:
    """Returns a report with the defaults of what its replica, of an older version, does not know:
    while a service is changed, replicas of both versions report."""
    _complete(report)
    for minute in report.minutes:
        _complete(minute.counts)
    return report


def _complete(value: ActivityReport | MinuteCounts) -> None:
    for known in fields(value):
        if not hasattr(value, known.name):
            object.__setattr__(value, known.name, known.default)


def fingerprint(vector: Mapping[str, Any]) -> str:
    """Returns 16 characters that are the same for the same parameters, in whatever order."""
    return hashlib.sha256(json.dumps(vector, sort_keys=True).encode()).hexdigest()[:16]


def _sums(first: Any, second: Any) -> list[int]:
    return [getattr(first, field.name) + getattr(second, field.name) for field in fields(first)]
