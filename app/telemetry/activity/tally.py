"""Sums of what a replica served since its last report. Room is bounded: usage by the number of its
keys, the rest by the number of minutes."""

import logging
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from app.settings.cold.activity import ActivityArgs
from app.telemetry.activity.reservoir import QueryReservoir
from deployments.activity import (
    OTHER_KEYS,
    GivenAnswer,
    MinuteCounts,
    QuerySample,
    ReleaseMinute,
    Usage,
    UsageKey,
)
from deployments.assessments.contract import Judgement
from deployments.sketch import Sketch

T = TypeVar("T")
_log = logging.getLogger("ray.serve")
_MINUTES_AT_ONCE = 60
"""Of all releases together: a report after a long outage stays below a megabyte."""
_ANSWERS_AT_ONCE = 2000
UsageParts = tuple[str, str, str, str, str, str]
"""As in `UsageKey`, in its order."""
MinuteParts = tuple[str, str, int]
"""Release, fingerprint, minute."""


@dataclass(slots=True)
class OpenMinute:
    """What is known of a minute of a release and was not told yet; `counts` as in `MinuteCounts`,
    in its order."""

    counts: list[int] = field(default_factory=list)
    timings: dict[str, Sketch] = field(default_factory=dict)

    def note(self, timing: str, value_ms: float) -> None:
        """Counts a time."""
        sketch = self.timings.get(timing)
        if sketch is None:
            sketch = self.timings[timing] = Sketch()
        sketch.add(value_ms)


@dataclass(frozen=True, slots=True)
class Drained:
    """What leaves a tally for a report."""

    usage: dict[UsageKey, Usage]
    minutes: tuple[ReleaseMinute, ...]
    samples: tuple[QuerySample, ...]
    answers: tuple[GivenAnswer, ...] = ()
    judgements: tuple[Judgement, ...] = ()

    def __bool__(self) -> bool:
        told = self.usage, self.minutes, self.samples, self.answers, self.judgements
        return any(map(bool, told))


class ActivityTally:
    """Adds up.

    Args:
        args: The bounds.
    """

    def __init__(self, args: ActivityArgs) -> None:
        self._args = args
        self._usage: dict[UsageParts, list[int]] = {}
        self._minutes: dict[MinuteParts, OpenMinute] = {}
        self._reservoirs: dict[tuple[str, int], QueryReservoir] = {}
        self._answers: deque[GivenAnswer] = deque()
        self._judgements: deque[Judgement] = deque(maxlen=args.waiting_answers)
        self._newest = 0
        self.dropped_answers = 0
        """Answers whose ids were given up because nobody took them for too long."""
        self.dropped_minutes = 0
        """Minutes of releases whose figures were given up because nobody took them for too long."""

    @property
    def requests(self) -> int:
        """Requests whose usage waits."""
        return sum(sums[0] for sums in self._usage.values())

    def add_usage(self, key: UsageParts, amounts: Iterable[int]) -> None:
        """Adds the usage of a request; the amounts as in `Usage`, in its order."""
        if key not in self._usage and len(self._usage) >= self._args.waiting_keys:
            day, _, release, model, prices, tenant = key
            key = (day, OTHER_KEYS, release, model, prices, tenant)
        _add(self._usage.setdefault(key, []), amounts)

    def add_counts(self, key: MinuteParts, counts: Iterable[int]) -> OpenMinute:
        """Adds a request to a minute, and returns that for its times."""
        found = self._minutes.get(key)
        if found is None:
            found = self._open(key)
        _add(found.counts, counts)
        return found

    def sample(self, release: str, minute: int, make: Callable[[], QuerySample]) -> None:
        """Offers a query to the sample of its minute."""
        if not self._args.samples_per_minute:
            return
        found = self._reservoirs.get((release, minute))
        if found is None:
            found = QueryReservoir(self._args.samples_per_minute)
            self._reservoirs[release, minute] = found
        found.offer(make)

    def add_answer(self, answer: GivenAnswer) -> None:
        """Notes the id of an answer; the oldest one goes where there is no room."""
        if len(self._answers) >= self._args.waiting_answers:
            self._answers.popleft()
            self.dropped_answers += 1
        self._answers.append(answer)

    def add_judgement(self, judgement: Judgement) -> None:
        """Notes what a judge said; the oldest goes where there is no room."""
        self._judgements.append(judgement)

    def drain(self, minute: int) -> Drained:
        """Returns all usage, the oldest minutes, the samples of those before a minute, and the
        oldest answers and judgements; they leave the tally."""
        usage = {UsageKey(*key): Usage(*sums) for key, sums in self._usage.items()}
        self._usage = {}
        oldest = sorted(self._minutes, key=lambda key: key[2])[:_MINUTES_AT_ONCE]
        minutes = tuple(_told(key, self._minutes.pop(key)) for key in oldest)
        over = sorted(place for place in self._reservoirs if place[1] < minute)[:_MINUTES_AT_ONCE]
        kept = [sample for one in over for sample in self._reservoirs.pop(one).kept]
        answers, judgements = _oldest(self._answers), _oldest(self._judgements)
        return Drained(usage, minutes, tuple(kept), answers, judgements)

    def _open(self, key: MinuteParts) -> OpenMinute:
        minute = key[2]
        if minute > self._newest:
            self._newest = minute
            self._forget_before(minute - self._args.waiting_minutes)
        found = self._minutes[key] = OpenMinute()
        return found

    def _forget_before(self, minute: int) -> None:
        old = [key for key in self._minutes if key[2] < minute]
        for key in old:
            del self._minutes[key]
        for place in [place for place in self._reservoirs if place[1] < minute]:
            del self._reservoirs[place]
        if old:
            self.dropped_minutes += len(old)
            _log.warning(
                "the tracker is away for too long: the figures of %d minutes are dropped so far; "
                "usage is not",
                self.dropped_minutes,
            )


def _add(sums: list[int], amounts: Iterable[int]) -> None:
    if sums:
        for place, amount in enumerate(amounts):
            sums[place] += amount
    else:
        sums.extend(amounts)


def _oldest(waiting: deque[T]) -> tuple[T, ...]:
    return tuple(waiting.popleft() for _ in range(min(len(waiting), _ANSWERS_AT_ONCE)))


def _told(key: MinuteParts, minute: OpenMinute) -> ReleaseMinute:
    return ReleaseMinute(*key, MinuteCounts(*minute.counts), minute.timings)
