"""Outcomes become evidence: what counts, what does not, and what is missing."""

import json
import math

import numpy as np
import pytest

from deployments.canary.codec import to_json
from deployments.canary.evidence import BUCKETS, TAIL_EDGES, Tally
from deployments.canary.recording import Outcomes, Recorder, bucket_of, gather

METRICS = ("total_ms", "ttft_ms", "error", "citations", "overlap")


def recorder(counted_from_s: float = 0.0) -> Recorder:
    return Recorder(stage=2, counted_from_s=counted_from_s, metrics=METRICS, block_s=10.0)


def canary_tally(values: list[float], metric: str) -> Tally:
    count = len(values)
    outcomes = Outcomes(np.zeros(count), np.zeros(count, dtype=int), {metric: np.array(values)})
    tally = gather({"canary": outcomes}, stage=0, block_s=10.0).tally("canary", metric)
    assert tally is not None
    return tally


def test_what_was_observed_is_drained_once() -> None:
    one = recorder()
    for at_s in range(5):
        one.observe("canary", sticky_key="u", at_s=at_s, values={"total_ms": 100.0, "error": 0.0})
    one.observe("baseline", sticky_key="v", at_s=1.0, values={"error": 1.0})
    evidence = one.drain()
    assert (evidence.stage, evidence.requests) == (2, {"canary": 5, "baseline": 1})
    total, error = evidence.tally("canary", "total_ms"), evidence.tally("baseline", "error")
    assert total is not None
    assert math.exp(total.mean) == pytest.approx(100.0)
    assert np.flatnonzero(total.buckets[:, 0]).tolist() == [bucket_of("u")]
    assert error is not None
    assert (error.count, error.mean) == (1, 1.0)
    assert one.drain().requests == {}


def test_a_recorder_finds_what_gather_finds() -> None:
    generator = np.random.default_rng(3)
    times, keys = generator.lognormal(5, 1, 50), [f"user-{number % 7}" for number in range(50)]
    one = recorder()
    for at_s, (key, time_ms) in enumerate(zip(keys, times, strict=True)):
        one.observe("canary", sticky_key=key, at_s=float(at_s), values={"total_ms": time_ms})
    nothing = np.full(50, np.nan)
    values = {"total_ms": times, "ttft_ms": nothing, "error": nothing, "citations": nothing}
    buckets = [bucket_of(key) for key in keys]
    whole = gather({"canary": Outcomes(np.arange(50.0), buckets, values)}, stage=2, block_s=10.0)
    assert json.dumps(to_json(one.drain())) == json.dumps(to_json(whole))


def test_the_warm_up_does_not_count() -> None:
    one = recorder(counted_from_s=100.0)
    one.observe("canary", sticky_key="u", at_s=99.9, values={"error": 1.0})
    one.observe("canary", sticky_key="u", at_s=100.0, values={"error": 0.0})
    evidence = one.drain()
    tally = evidence.tally("canary", "error")
    assert evidence.requests == {"canary": 1}
    assert tally is not None
    assert tally.total == 0.0


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), -1.0])
def test_what_is_no_number_is_missing(value: float | None) -> None:
    one = recorder()
    one.observe("canary", sticky_key="u", at_s=1.0, values={"total_ms": value})
    tally = one.drain().tally("canary", "total_ms")
    assert tally is not None
    assert (tally.count, tally.missing, tally.total) == (0, 1, 0.0)


@pytest.mark.parametrize(
    ("metric", "value"), [("error", 2.0), ("overlap", 1.5), ("total_ms", 1e300), ("cost", 1e200)]
)
def test_what_cannot_be_true_is_missing(metric: str, value: float) -> None:
    """Else a share above one, or the square of a huge number, would stop every later verdict."""
    tally = canary_tally([value, 0.5], metric)
    assert (tally.count, tally.missing) == (1, 1)
    assert math.isfinite(tally.squares)


def test_a_time_of_zero_has_a_logarithm() -> None:
    assert canary_tally([0.0, 0.0], "queue_ms").mean == 0.0
    assert canary_tally([0.5, 1.0], "queue_ms").variance == 0.0


def test_pairs_are_no_requests() -> None:
    one = recorder()
    one.observe_pair(sticky_key="q", at_s=1.0, values={"overlap": 0.5})
    one.observe_pair(sticky_key="q", at_s=2.0, values={"overlap": None})
    evidence = one.drain()
    tally = evidence.tally("canary", "overlap")
    assert evidence.requests == {}
    assert tally is not None
    assert (tally.count, tally.missing, tally.mean) == (1, 1, 0.5)
    assert evidence.tally("canary", "error") is None


def test_tails_count_what_exceeds_a_threshold() -> None:
    values = [0.1, 1.0, 2.0, 2.1, 500.0, 1e9]
    tally = canary_tally(values, "total_ms")
    for edge, threshold in enumerate(TAIL_EDGES):
        beyond = tally.beyond(edge)
        assert beyond.total == sum(value > threshold for value in values)
        assert beyond.blocks[:, 1].sum() == beyond.total
        assert (beyond.count, beyond.squares) == (6, beyond.total)


def test_any_key_has_a_bucket() -> None:
    """Also one that JSON allows and UTF-8 does not."""
    assert 0 <= bucket_of("\ud800") < BUCKETS


def test_callers_spread_over_the_buckets() -> None:
    counts = np.bincount([bucket_of(f"user-{n}") for n in range(10_000)], minlength=BUCKETS)
    assert 40 < counts.min() <= counts.max() < 130
