"""What work that nobody waits for leaves to questions while they come: a worker, short batches, and
most of the time.

A question that runs alone has a core with both its threads; beside a batch of passages it takes
half as long again, however low the batch's priority.
"""

import math
from collections.abc import Callable

_BATCH_S = 0.05
"""How long a batch takes at most: a core that it shares is free again soon."""
_SHARE = 0.1
"""Of the time, in which batches run: under a flood of questions they get as much of the model by
`FairQueue`."""
_QUESTIONS_LAST_S = 1.0
"""How long after a question the next one is reckoned with."""


class Background:
    """When the next batch of the background may run.

    Args:
        workers: Batches of any kind that run at once.
        now: Clock in seconds; monotonic.
    """

    def __init__(self, workers: int, now: Callable[[], float]) -> None:
        self._most_at_once = max(workers - 1, 1)
        self._now = now
        self._running = 0
        self._asked_at_s = self._rests_until_s = -math.inf

    def note_question(self) -> None:
        """Says that a question comes."""
        self._asked_at_s = self._now()

    def stands_back(self) -> bool:
        """Returns whether questions come."""
        return self._now() - self._asked_at_s < _QUESTIONS_LAST_S

    def begin(self) -> None:
        """Says that a batch of the background runs."""
        self._running += 1

    def end(self, took_s: float) -> None:
        """Says that one has run, and for how long."""
        self._running -= 1
        self._rests_until_s = self._now() + took_s * (1 / _SHARE - 1) / self._most_at_once

    def wait_s(self, work_s: float, until_due_s: float) -> float:
        """Returns for how long no batch may begin while questions come: 0 where one may now,
        infinity where another has to end first.

        Args:
            work_s: What the model needs for all that waits.
            until_due_s: What is left until the first of it must be done; it does not rest where it
                would come too late by that.
        """
        if self._running >= self._most_at_once:
            return math.inf
        if work_s / _SHARE >= until_due_s:
            return 0.0
        rests_until_s = min(self._rests_until_s, self._asked_at_s + _QUESTIONS_LAST_S)
        return max(rests_until_s - self._now(), 0.0)

    def most_tokens(self, tokens_per_s: float) -> int:
        """Returns the size of a batch at most, for a model that does so much in a second."""
        return int(_BATCH_S * tokens_per_s)
