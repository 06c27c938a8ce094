"""The thread that sends the batches of one destination: new ones first, then the spool.

One request is under way at a time. While the server is away new batches go to the spool at once,
and only the oldest one of the spool is tried, less and less often. When the server is back, the
spool is sent in its order, with a rest after every batch that is as long as the batch took: a
server that has just come back gets at most about half a connection's worth of old spans.
"""

import logging
import random
import time
from collections import deque
from threading import Condition, Thread

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, attach, set_value

from deployments.tracing.counters import TraceCounters
from deployments.tracing.erasing import SpanEraser
from deployments.tracing.otlp import OtlpClient, Outcome
from deployments.tracing.spool import Batch, Spool

_MAX_WAITING = 2
"""Batches in memory, which a kill would lose; the spool takes what comes faster."""
_MAX_BACKOFF_S = 30.0
_MAX_STRIKES = 5
_ADOPT_EVERY_S = 30.0
_log = logging.getLogger("ray.serve")


class Sender:
    """Sends to one destination from a thread of its own.

    Args:
        client: Sends a batch; used by this thread alone.
        spool: Keeps what cannot be sent.
        counters: Told what became of the spans.
        name: What the log calls the destination.
        timeout_s: Bound of one request.
        backoff_s: Wait after the first failure; it doubles up to 30 s.
    """

    def __init__(
        self,
        client: OtlpClient,
        spool: Spool,
        counters: TraceCounters,
        *,
        name: str,
        timeout_s: float,
        backoff_s: float = 0.5,
    ) -> None:
        self._client = client
        self._spool = spool
        self._counters = counters
        self._name = name
        self._timeout_s = timeout_s
        self._backoff_s = backoff_s
        self._changed = Condition()
        self._waiting: deque[Batch] = deque()
        self._sending: Batch | None = None
        self._deadline_s: float | None = None
        self._closing = False
        self._left = False
        self._failures = 0
        self._away_until_s = 0.0
        self._replay_at_s = 0.0
        self._adopt_at_s = 0.0
        self._strikes: dict[str, int] = {}
        self._took_one = True
        self._thread = Thread(target=self._run, name="trace-sender", daemon=True)
        self._thread.start()

    def offer(self, batch: Batch) -> None:
        """Sends a batch soon, or keeps it in the spool. It does not wait for the server."""
        with self._changed:
            ends = self._deadline_s is not None
            room = ends or len(self._waiting) < _MAX_WAITING
            if room and not self._left and time.monotonic() >= self._away_until_s:
                self._waiting.append(batch)
                self._changed.notify_all()
                return
        self._spool.add(batch)

    def erase(self, eraser: SpanEraser) -> int:
        """Removes spans that wait on disk, and returns how many."""
        for body in self._spool.bodies():
            eraser.look(body)
        return self._spool.rewrite(eraser.without)

    def flush(self, timeout_s: float) -> bool:
        """Waits until nothing is in memory any more, and returns whether that came in time."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not self._waiting and self._sending is None, timeout_s
            )

    def drain(self, deadline_s: float) -> None:
        """Begins the end: until then, a server that takes spans gets all there are, those of the
        spool too, without rests."""
        with self._changed:
            self._deadline_s = deadline_s
            self._changed.notify_all()

    def close(self) -> None:
        """Ends the thread by the deadline of `drain`, and keeps what was not sent by then."""
        with self._changed:
            deadline_s = self._deadline_s = self._deadline_s or time.monotonic()
            self._closing = True
            self._changed.notify_all()
        self._thread.join(max(0.0, deadline_s - time.monotonic()))
        with self._changed:
            # A request that hangs is given up: should the server take it after all, it gets these
            # spans twice, which is better than never.
            self._left = True
            kept = [*([self._sending] if self._sending else []), *self._waiting]
            self._waiting.clear()
        for batch in kept:
            self._spool.add(batch)
        self._spool.close()

    def _run(self) -> None:
        # Where the HTTP client is traced too, its spans must not bring about requests of ours.
        attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
        while self._wait():
            batch = self._sending or self._from_spool()
            if batch is None:
                self._replay_at_s = time.monotonic() + self._backoff_s
                time.sleep(0.01)
                continue
            begun_s = time.monotonic()
            outcome = self._client.post(batch.body, timeout_s=self._time_left_s())
            with self._changed:
                if not self._left:
                    self._settle(batch, outcome, time.monotonic() - begun_s)
                self._sending = None
                self._changed.notify_all()
        self._client.close()

    def _wait(self) -> bool:
        """Waits for work, and returns whether there is any; without any the thread ends."""
        with self._changed:
            while not self._waiting and not self._left:
                rest_s = self._rest_s()
                if rest_s <= 0:
                    return True
                if self._closing:
                    return False
                self._changed.wait(rest_s)
            if self._left:
                return False
            self._sending = self._waiting.popleft()
            return True

    def _rest_s(self) -> float:
        """Returns the seconds until the spool is to be looked at."""
        now_s = time.monotonic()
        if self._deadline_s is not None:
            goes_on = len(self._spool) and not self._failures and now_s < self._deadline_s
            return 0.0 if goes_on else _ADOPT_EVERY_S
        at_s = max(self._replay_at_s, self._away_until_s) if len(self._spool) else self._adopt_at_s
        return at_s - now_s

    def _from_spool(self) -> Batch | None:
        now_s = time.monotonic()
        if now_s >= self._adopt_at_s and self._deadline_s is None:
            self._adopt_at_s = now_s + _ADOPT_EVERY_S
            self._spool.adopt()
        return self._spool.take()

    def _time_left_s(self) -> float:
        if self._deadline_s is None:
            return self._timeout_s
        return min(self._timeout_s, max(0.01, self._deadline_s - time.monotonic()))

    def _settle(self, batch: Batch, outcome: Outcome, took_s: float) -> None:
        if outcome.verdict == "away":
            self._keep(batch, suspect=outcome.suspect)
            self._note_failure(outcome)
            return
        self._note_success()
        if batch.name:
            self._spool.done(batch)
            self._strikes.pop(batch.name, None)
            self._replay_at_s = time.monotonic() + took_s
        if outcome.verdict == "refused":
            _log.warning("%s refuses %d spans: %s", self._name, batch.spans, outcome.why)
            self._counters.drop("refused", batch.spans)
            return
        rejected = min(outcome.rejected_spans, batch.spans)
        if rejected:
            self._counters.drop("refused", rejected)
        self._counters.count("exported", batch.spans - rejected)
        if batch.name:
            self._counters.count("replayed", batch.spans - rejected)

    def _keep(self, batch: Batch, *, suspect: bool) -> None:
        """Keeps what was not taken. A batch from the spool that brings an error about lets the
        others go first, and is given up when it has done so again and again while the server took
        others in between."""
        if not batch.name:
            self._spool.add(batch)
            return
        if suspect and self._took_one:
            self._took_one = False
            self._strikes[batch.name] = self._strikes.get(batch.name, 0) + 1
        if self._strikes.get(batch.name, 0) < _MAX_STRIKES:
            self._spool.put_back(batch, last=suspect)
            return
        del self._strikes[batch.name]
        self._spool.done(batch)
        self._counters.drop("refused", batch.spans)

    def _note_failure(self, outcome: Outcome) -> None:
        if self._failures == 0:
            _log.warning("%s takes no spans; they wait on disk: %s", self._name, outcome.why)
        backoff_s = min(_MAX_BACKOFF_S, self._backoff_s * 2 ** min(self._failures, 16))
        self._failures += 1
        wait_s = max(backoff_s * random.uniform(0.5, 1.0), outcome.retry_after_s or 0.0)
        self._away_until_s = time.monotonic() + wait_s
        while self._waiting:
            self._spool.add(self._waiting.popleft())

    def _note_success(self) -> None:
        if self._failures:
            _log.info("%s takes spans again", self._name)
            self._spool.sort()
        self._failures = 0
        self._away_until_s = 0.0
        self._took_one = True
