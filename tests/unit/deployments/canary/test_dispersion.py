"""Requests that resemble each other count less than their number."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.canary.dispersion import Side, dispersion
from deployments.canary.evidence import Tally, merge
from deployments.canary.recording import Outcomes, gather


def tally(values: object, *, buckets: object = None, at_s: object = None) -> Tally:
    """The completion tokens of some requests; one a second, each of a bucket of its own."""
    kept = np.asarray(values, dtype=float)
    places = np.arange(kept.size)
    outcomes = Outcomes(
        places if at_s is None else at_s,  # type: ignore[arg-type]
        places % 128 if buckets is None else buckets,  # type: ignore[arg-type]
        {"completion_tokens": kept},
    )
    found = gather({"canary": outcomes}, stage=0, block_s=10.0).tally("canary", "completion_tokens")
    assert found is not None
    return found


def drawn(seed: int, count: int = 600) -> np.ndarray:
    return np.random.default_rng(seed).normal(10.0, 1.0, count)


def test_independent_requests_have_the_textbook_variance() -> None:
    found = dispersion(Side(tally(drawn(1))), Side(tally(drawn(2))))
    assert found.variance == pytest.approx(2.0 / 600, rel=0.3)
    assert 1.0 <= found.design_effect < 1.35


def test_copies_of_a_callers_request_say_nothing_new() -> None:
    values, callers = np.repeat(drawn(1, 100), 6), np.repeat(np.arange(100), 6)
    mixed = np.random.default_rng(3).permutation(600)
    found = dispersion(Side(tally(values[mixed], buckets=callers[mixed])))
    assert found.design_effect == pytest.approx(6.0, rel=0.1)
    assert found.variance == pytest.approx(1.0 / 100, rel=0.3)
    assert found.df < 100


def test_what_lasts_longer_than_a_block_is_seen_by_longer_blocks() -> None:
    found = dispersion(Side(tally(np.repeat(drawn(4, 20), 30))))
    assert found.design_effect > 15
    assert found.df < 25


def test_what_moves_both_arms_at_once_cancels_out() -> None:
    tide = 3.0 * np.sin(np.linspace(0, 6 * np.pi, 600))
    one, two = drawn(1) + tide, drawn(2) + tide
    apart = dispersion(Side(tally(one)))
    together = dispersion(Side(tally(one)), Side(tally(two)))
    assert apart.design_effect > 10
    assert together.design_effect < 1.5


def test_a_single_caller_is_one_group() -> None:
    found = dispersion(Side(tally(drawn(1), buckets=np.zeros(600, dtype=int))))
    assert found.groups == pytest.approx(1.0)


@pytest.mark.parametrize(("values", "floor"), [([5.0] * 100, 0.0), ([5.0] * 100, 0.01)])
def test_values_that_do_not_differ(values: list[float], floor: float) -> None:
    found = dispersion(Side(tally(values)), floor=floor)
    assert found.variance == pytest.approx(floor / 100)
    assert found.design_effect == 1.0


def test_a_relative_scale_divides_the_variance_by_the_square_of_the_mean() -> None:
    plain, scaled = dispersion(Side(tally(drawn(1)))), dispersion(Side(tally(drawn(1)), 0.1))
    assert scaled.variance == pytest.approx(0.01 * plain.variance)
    assert scaled.design_effect == pytest.approx(plain.design_effect)


@settings(max_examples=50)
@given(st.lists(st.floats(0, 1e3), min_size=2, max_size=80), st.integers(1, 5))
def test_the_same_evidence_again_makes_no_independent_requests(
    values: list[float], doublings: int
) -> None:
    outcomes = Outcomes(
        np.arange(len(values)) * 7.0, np.arange(len(values)) % 5, {"cost": np.array(values)}
    )
    evidence = gather({"canary": outcomes}, stage=0, block_s=10.0)
    effective = []
    for _ in range(doublings):
        found = evidence.tally("canary", "cost")
        assert found is not None
        effective.append(found.count / dispersion(Side(found)).design_effect)
        evidence = merge(evidence, evidence)
    for before, after in zip(effective, effective[1:], strict=False):
        assert after >= before * (1 - 1e-9)


def by_hand(one: np.ndarray, two: np.ndarray, blocks: np.ndarray) -> tuple[float, float]:
    """The variance of the difference of two means from blocks of one length, and its degrees of
    freedom; `blocks` says where each request lies."""
    influence, weights = np.zeros(64), np.zeros(64)
    for sign, values in ((1.0, one), (-1.0, two)):
        for value, block in zip(values, blocks, strict=True):
            influence[block] += sign * (value - values.mean()) / values.size
            weights[block] += 1.0 / values.size
    groups = 4.0 / (weights**2).sum()
    return (influence**2).sum() * groups / (groups - 1.0), groups - 1.0


def test_longer_blocks_are_the_joined_ones() -> None:
    """The tide lasts for some 80 requests, so the longest blocks know most."""
    tide = 2.0 * np.sin(np.linspace(0, 15 * np.pi, 600))
    one, two = drawn(1) + tide, drawn(2) - tide
    found = dispersion(Side(tally(one)), Side(tally(two)))
    estimates = [by_hand(one, two, np.arange(600) // 10 >> level) for level in range(4)]
    variance, df = max(estimates)
    assert max(range(4), key=lambda level: estimates[level]) > 0
    assert (found.variance, found.df) == (pytest.approx(variance), pytest.approx(df))
