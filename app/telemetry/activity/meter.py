"""What a finished request adds to usage, and to the figures of its release."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np

from app.request.attempt import AttemptRecord
from app.request.figures import observe_answer
from app.request.notes import RequestNotes
from app.settings.live.gateway import GatewayLive
from app.settings.live.prices import PriceTable
from app.telemetry.activity.tally import ActivityTally, OpenMinute
from app.telemetry.requests import FinishedRequest, Outcome
from app.telemetry.traces.tail_rule import reason_to_keep
from deployments.activity import GivenAnswer, MinuteCounts, QuerySample, fingerprint
from deployments.assessments.contract import AssessmentName, Judgement, Source
from deployments.canary.recording import bucket_of
from deployments.contracts.erasure import user_mark
from deployments.contracts.generation import Generation

_NO_PRICES = PriceTable(use_list_prices=False)
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_MINUTE_S, _DAY_S = 60, 86_400
_TIMINGS = ("total_ms", "queue_ms", "ttft_ms", "tpot_ms")
_ANSWERS = ("request", "item", "line")
"""Kinds of requests whose answers somebody reads, and may say something of."""
_SAID_LATER = (0,) * 5
"""What of `MinuteCounts` people and judges add."""
_SAMPLED_CONTENT = ("full", "redacted")


class ActivityMeter:
    """A `Sink` that adds requests to a tally, in some ten microseconds each.

    Args:
        tally: Where they are added up.
        settings: Returns the live settings, None before they arrived: prices and parameters of
            releases are those in force when a request ends.
    """

    def __init__(self, tally: ActivityTally, settings: Callable[[], GatewayLive | None]) -> None:
        self._tally = tally
        self._settings = settings
        self._seen: GatewayLive | None = None
        self._fingerprints: dict[str, str] = {}
        self._vectors: dict[str, Mapping[str, Any]] = {}

    def take(self, request: FinishedRequest) -> None:
        """Adds a request; one that reached no release and no model used nothing.

        Repetitions in shadow, lines of batches, which stand back for others, and texts that a
        client has embedded or ordered by itself, are usage, and none of the release's own figures.
        """
        notes = request.notes
        if not (notes.release or notes.attempt or notes.written):
            return
        settings = self._settings()
        prices = _NO_PRICES if settings is None else settings.prices
        ended_s = request.started_ns / 1e9 + request.total_ms / 1e3
        outcome = request.outcome
        used = _tokens(notes.generations(), prices)
        model = _model(notes)
        version = prices.version_of(model) if model else prices.version
        self._add_usage(request, outcome, used, day_of(ended_s), version)
        if request.is_of_its_release and notes.release and notes.messages:
            self._add_minute(request, outcome, used, ended_s, settings)
        is_answer = request.kind in _ANSWERS and notes.written is not None
        if is_answer and settings is not None and settings.feedback.enabled:
            self._tally.add_answer(self._given_answer(request, ended_s, settings))

    def note_judgement(
        self,
        request: FinishedRequest,
        scores: Mapping[AssessmentName, float],
        *,
        source: Source,
        source_id: str,
        at_s: float,
    ) -> None:
        """Adds what a judge said of the answer of a request, from 0 to 1 by name, to the figures of
        the minute in which the answer ended."""
        settings = self._settings()
        if settings is None:
            return
        ended_s = request.started_ns / 1e9 + request.total_ms / 1e3
        answer = self._given_answer(request, ended_s, settings)
        counts = MinuteCounts(
            judged=1,
            groundedness_thousandths=round(1e3 * scores.get("groundedness", 0.0)),
            relevance_thousandths=round(1e3 * scores.get("relevance", 0.0)),
        )
        self._tally.add_counts((answer.release, answer.fingerprint, answer.minute), astuple(counts))
        for name, score in scores.items():
            self._tally.add_judgement(
                Judgement(
                    id=f"ev_{secrets.token_hex(16)}",
                    name=name,
                    score=score,
                    source=source,
                    source_id=source_id,
                    tenant=answer.tenant,
                    request_id=answer.request_id,
                    release=answer.release,
                    fingerprint=answer.fingerprint,
                    trace_id=answer.trace_id,
                    answered_s=answer.at_s,
                    at_s=at_s,
                    conversation=answer.conversation,
                    user_mark=answer.user_mark,
                )
            )

    def vectors(self, fingerprints: set[str]) -> dict[str, Mapping[str, Any]]:
        """Returns the parameters of releases by their fingerprints."""
        return {name: self._vectors[name] for name in fingerprints}

    def _add_usage(
        self,
        request: FinishedRequest,
        outcome: Outcome,
        used: tuple[int, int, int, int],
        day: str,
        prices: str,
    ) -> None:
        prompt, cached, completion, cost = used
        notes = request.notes
        attempt = notes.attempt
        # What a canary did in vain has its tokens, and is no request of its own.
        counted = int(request.kind != "attempt")
        self._tally.add_usage(
            (
                *(day, notes.usage_key, notes.release),
                *(_model(notes), prices, notes.tenant),
            ),
            (
                counted,
                counted * int(outcome == "failed"),
                prompt,
                cached,
                completion,
                0 if attempt is None else attempt.embedding_tokens,
                0 if attempt is None else attempt.rerank_tokens,
                cost,
            ),
        )

    def _add_minute(
        self,
        request: FinishedRequest,
        outcome: Outcome,
        used: tuple[int, int, int, int],
        ended_s: float,
        settings: GatewayLive | None,
    ) -> None:
        notes = request.notes
        written, attempt = notes.written, notes.attempt
        minute = int(ended_s // _MINUTE_S)
        counts = (
            1,
            int(outcome == "failed"),
            int(outcome == "aborted"),
            int(outcome == "refused"),
            int(written is not None),
            int(written is not None and not written.grounded),
            int(written is not None and written.finish_reason == "length"),
            int(attempt is not None and bool(attempt.degraded)),
            *used,
            int(written is not None and written.finish_reason == "content_filter"),
            int(notes.is_cache_hit),
            *_SAID_LATER,
        )
        key = (notes.release, self._fingerprint(notes.release, settings), minute)
        found = self._tally.add_counts(key, counts)
        if outcome != "ok" or attempt is None:
            return
        if not notes.is_cache_hit:
            for stage, spent in attempt.times.items():
                if not spent.error:
                    found.note(f"{stage}_ms", spent.total_ms)
        if written is not None:
            if not notes.is_cache_hit:
                _note_times(found, written, attempt, request.total_ms)
            if attempt.query_vector is not None and _may_be_sampled(notes, settings):
                self._tally.sample(
                    notes.release, minute, lambda: _sample(ended_s, notes, written, attempt)
                )

    def _given_answer(
        self, request: FinishedRequest, ended_s: float, settings: GatewayLive
    ) -> GivenAnswer:
        notes = request.notes
        is_traced = reason_to_keep(request, settings.recording) != ""
        return GivenAnswer(
            tenant=notes.tenant,
            request_id=request.request_id,
            at_s=ended_s,
            release=notes.release,
            fingerprint=self._fingerprint(notes.release, settings) if notes.release else "",
            trace_id=request.trace.trace_hex if is_traced else "",
            rollout=notes.rollout if notes.is_evidence else "",
            arm=notes.arm or "" if notes.is_evidence else "",
            bucket=bucket_of(notes.sticky_key) if notes.is_evidence else 0,
            conversation=notes.conversation,
            user_mark=user_mark(notes.tenant, notes.user),
        )

    def _fingerprint(self, release: str, settings: GatewayLive | None) -> str:
        if settings is not self._seen:
            self._seen, self._fingerprints = settings, {}
        known = self._fingerprints.get(release)
        if known is None:
            found = None if settings is None else settings.releases.get(release)
            vector = {} if found is None else found.model_dump(mode="json")
            known = self._fingerprints[release] = fingerprint(vector)
            self._vectors[known] = vector
        return known


@lru_cache(maxsize=8)
def _day(number: int) -> str:
    return date.fromordinal(_EPOCH_ORDINAL + number).isoformat()


def day_of(at_s: float) -> str:
    """Returns the day of a time since the epoch, in UTC.

    >>> day_of(86_399.9), day_of(86_400.0)
    ('1970-01-01', '1970-01-02')
    """
    return _day(int(at_s // _DAY_S))


def _model(notes: RequestNotes) -> str:
    """Returns who wrote the answer, or the last of what led to it."""
    written = notes.generations()
    return written[-1].model if written else "" if notes.written is None else notes.written.model


def _tokens(written: Sequence[Generation], prices: PriceTable) -> tuple[int, int, int, int]:
    """Returns tokens of the prompts, of these cached ones, tokens of the completions, and the
    cost."""
    cost = 0
    for generation in written:
        cost += sum(prices.costs_picousd(generation) or ())
    return (
        sum(generation.prompt_tokens for generation in written),
        sum(generation.cached_tokens for generation in written),
        sum(generation.completion_tokens for generation in written),
        cost,
    )


def _note_times(
    found: OpenMinute, written: Generation, attempt: AttemptRecord, total_ms: float
) -> None:
    values = observe_answer(written, attempt, total_ms=total_ms, prices=_NO_PRICES)
    for timing in _TIMINGS:
        value_ms = values.get(timing)
        if value_ms is not None:
            found.note(timing, value_ms)


def _may_be_sampled(notes: RequestNotes, settings: GatewayLive | None) -> bool:
    """Returns whether an embedding may be kept: much of a text can be read from it."""
    if settings is None or notes.trace_wish == "none":
        return False
    recording = settings.recording
    return recording.policy(notes.key_id) in _SAMPLED_CONTENT


def _sample(
    ended_s: float, notes: RequestNotes, written: Generation, attempt: AttemptRecord
) -> QuerySample:
    assert attempt.query_vector is not None
    vector = np.asarray(attempt.query_vector, dtype="<f2").reshape(-1)
    return QuerySample(
        at_s=ended_s,
        release=notes.release,
        vector=vector.tobytes(),
        dimension=vector.size,
        top_score=_top_score(attempt),
        grounded=written.grounded,
        answer_words=len(written.text.split()),
        tenant=notes.tenant,
        conversation=notes.conversation,
        user_mark=user_mark(notes.tenant, notes.user),
    )


def _top_score(attempt: AttemptRecord) -> float | None:
    """Returns what the reranker said of the best chunk, else its cosine, both of which compare
    between questions; None where there is no such score."""
    if not attempt.hits or "reranker" in attempt.degraded:
        return None
    signals = attempt.hits[0].signals
    return signals.dense if signals.rerank is None else signals.rerank
