"""Metrics of requests, recorded as each of them ends.

A histogram of Ray has no way to take many values at once, so gathering them would only move the
work to a thread that competes with the event loop for the interpreter.
"""

from collections.abc import Callable

from app.request.attempt import AttemptRecord
from app.request.figures import observe_answer
from app.settings.live.prices import PICOUSD_PER_USD, PriceTable
from app.telemetry.requests import FinishedRequest
from deployments.contracts.generation import Generation
from deployments.telemetry import catalog
from deployments.telemetry.metric import Counter, Meter, Tags

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_OTHER_METHOD = "other"
_NO_ROUTE = "(no route)"


class RequestMetrics:
    """A `Sink` that counts and times requests. One takes about 60 us.

    Args:
        meter: Makes the metrics.
        prices: Returns what tokens cost at this moment.
    """

    def __init__(self, meter: Meter, prices: Callable[[], PriceTable]) -> None:
        self._prices = prices
        self._requests = meter.counter(catalog.REQUESTS)
        self._request_ms = meter.histogram(catalog.REQUEST_MS)
        self._stage_ms = meter.histogram(catalog.STAGE_MS)
        self._stage_queue_ms = meter.histogram(catalog.STAGE_QUEUE_MS)
        self._stage_errors = meter.counter(catalog.STAGE_ERRORS)
        self._ttft_ms = meter.histogram(catalog.TTFT_MS)
        self._tpot_ms = meter.histogram(catalog.TPOT_MS)
        self._tokens = meter.counter(catalog.TOKENS)
        self._cost_usd = meter.counter(catalog.COST_USD)
        self._answers = meter.counter(catalog.ANSWERS)
        self._degraded = meter.counter(catalog.DEGRADED)
        self._routed = meter.counter(catalog.ROUTED)
        self._moderation = meter.counter(catalog.MODERATION)
        self._cached = meter.counter(catalog.CACHE_REQUESTS)
        self._feedback = meter.counter(catalog.FEEDBACK)

    def take(self, request: FinishedRequest) -> None:
        """See `Sink.take`."""
        notes, outcome = request.notes, request.outcome
        of_request = {
            "kind": request.kind,
            "route": request.route or _NO_ROUTE,
            "release": notes.release,
        }
        if outcome == "ok":
            self._request_ms.observe(request.total_ms, of_request)
        # A client chooses its method: one that HTTP does not know must not become a series.
        method = request.method if request.method in _METHODS else _OTHER_METHOD
        self._requests.inc(
            1.0, {**of_request, "method": method, "outcome": outcome, "error": notes.error}
        )
        if (cache := notes.cache) is not None:
            tags = {
                "release": notes.release,
                "level": cache.level,
                "outcome": cache.outcome,
                "match": cache.match,
            }
            self._cached.inc(1.0, tags)
        if notes.rated is not None:
            release, rating = notes.rated
            self._feedback.inc(1.0, {"release": release, "rating": rating})
        if notes.routed is not None:
            model, how = notes.routed
            self._routed.inc(1.0, {"model": model, "how": how})
        for decision in notes.moderation:
            of_decision = {
                "policy": decision.policy,
                "place": decision.place,
                "action": decision.action,
            }
            for category in decision.categories:
                self._moderation.inc(1.0, {**of_decision, "category": category})
        if notes.attempt is not None:
            self._take_attempt(notes.attempt, notes.release, left=outcome == "aborted")
            for written in notes.generations():
                self._take_generation(written, notes.release)
            if notes.written is not None:
                self._take_answer(notes.written, notes.attempt, notes.release, request.total_ms)

    def _take_attempt(self, attempt: AttemptRecord, release: str, *, left: bool) -> None:
        for stage, spent in attempt.times.items():
            tags = {"stage": stage, "release": release}
            if spent.error:
                self._stage_errors.inc(1.0, {**tags, "error": spent.error})
            elif not left:  # what a client cut short was not fast
                self._stage_ms.observe(spent.total_ms, tags)
                if spent.batch_size or spent.queue_ms:
                    self._stage_queue_ms.observe(spent.queue_ms, tags)
        for missing in attempt.degraded:
            self._degraded.inc(1.0, {"missing": missing, "release": release})
        counts = {"embedding": attempt.embedding_tokens, "rerank": attempt.rerank_tokens}
        self._take_tokens(counts, {"release": release, "model": ""})

    def _take_answer(
        self, written: Generation, attempt: AttemptRecord, release: str, total_ms: float
    ) -> None:
        values = observe_answer(written, attempt, total_ms=total_ms, prices=self._prices())
        tags = {"release": release, "model": written.model}
        for name, metric in (("ttft_ms", self._ttft_ms), ("tpot_ms", self._tpot_ms)):
            value = values.get(name)
            if value is not None:
                metric.observe(value, tags)
        how = {
            "grounded": "yes" if written.grounded else "no",
            "finish_reason": written.finish_reason,
        }
        self._answers.inc(1.0, {**tags, **how})

    def _take_generation(self, written: Generation, release: str) -> None:
        tags = {"release": release, "model": written.model}
        counts = {
            "prompt": written.prompt_tokens,
            "cached": written.cached_tokens,
            "completion": written.completion_tokens,
        }
        self._take_tokens(counts, tags)
        if (costs := self._prices().costs_picousd(written)) is not None:
            _add(self._cost_usd, sum(costs) / PICOUSD_PER_USD, tags)

    def _take_tokens(self, counts: dict[str, int], tags: Tags) -> None:
        for kind, tokens in counts.items():
            _add(self._tokens, tokens, {**tags, "type": kind})


def _add(counter: Counter, value: float, tags: Tags) -> None:
    if value > 0:
        counter.inc(value, tags)
