"""Which entries form a batch: the padded size is bounded, and the oldest entry always goes."""

import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.batching.planning import (
    MIN_OVERHEAD_TOKENS,
    CostModel,
    plan_batch,
    plan_packed_batch,
)

COUNTS = st.lists(st.integers(min_value=1, max_value=600), min_size=1, max_size=40)
TOKENS = st.integers(min_value=1, max_value=2000)
REQUESTS = st.integers(min_value=1, max_value=20)


def padded(lengths: list[int]) -> int:
    return max(lengths) * len(lengths)


def share(lengths: list[int]) -> float:
    return sum(lengths) / (padded(lengths) + MIN_OVERHEAD_TOKENS)


@pytest.mark.parametrize(
    ("counts", "places"),
    [
        ([10], [0]),
        ([10, 10, 10, 10], [0, 1, 2, 3]),
        ([10] * 5, [0, 1, 2, 3]),
        ([12, 10], [1, 0]),
        ([10, 21], [0]),
        ([500, 1], [0]),
        ([1, 500], [0]),
        ([1] * 9, [0, 1, 2, 3, 4, 5, 6, 7]),
        ([3, 40, 3, 3], [0, 2, 3]),
        ([40, 3, 3, 3], [0]),
    ],
    ids=[
        "one",
        "budget-reached",
        "budget-passed",
        "shortest-first",
        "longer-one-does-not-fit",
        "oversized-alone",
        "an-oversized-one-joins-nobody",
        "most-requests",
        "like-lengths-pass-a-long-one",
        "the-oldest-goes-even-alone",
    ],
)
def test_padded_size_decides(counts: list[int], places: list[int]) -> None:
    assert plan_batch(counts, max_batch_tokens=40, max_batch_requests=8) == places


def test_short_texts_do_not_pay_for_a_long_one() -> None:
    counts = [18] * 10 + [250] + [18] * 10
    batch = plan_batch(counts, max_batch_tokens=10_000, max_batch_requests=64)
    assert 10 not in batch
    assert len(batch) == 20


def test_where_padding_is_free_everything_goes() -> None:
    counts = [18] * 10 + [250] + [18] * 10
    batch = plan_batch(
        counts, max_batch_tokens=10_000, max_batch_requests=64, overhead_tokens=math.inf
    )
    assert sorted(batch) == list(range(21))


def learned(cost_s: Callable[[int], float]) -> float:
    model, generator = CostModel(), random.Random(1)
    for _ in range(200):
        padded_tokens = generator.randint(10, 1000)
        model.observe(padded_tokens, cost_s(padded_tokens) * generator.uniform(0.97, 1.03))
    return model.overhead_tokens


def test_the_cost_of_a_batch_is_learned() -> None:
    assert learned(lambda tokens: 0.02 + tokens * 1e-4) == pytest.approx(200, rel=0.2)


def test_a_model_that_takes_as_long_for_any_batch_is_known_as_such() -> None:
    assert learned(lambda tokens: 0.02) == math.inf


def test_without_a_difference_between_batches_nothing_is_learned() -> None:
    model = CostModel()
    assert model.overhead_tokens == MIN_OVERHEAD_TOKENS
    for _ in range(50):
        model.observe(100, 0.01)
    assert model.overhead_tokens == MIN_OVERHEAD_TOKENS


def test_what_was_learned_follows_the_model() -> None:
    model, generator = CostModel(), random.Random(1)
    costs: list[Callable[[int], float]] = [lambda tokens: 0.02, lambda tokens: tokens * 1e-4]
    for cost_s in costs:
        for _ in range(600):
            padded_tokens = generator.randint(10, 1000)
            model.observe(padded_tokens, cost_s(padded_tokens))
    assert model.overhead_tokens == MIN_OVERHEAD_TOKENS


@given(COUNTS, TOKENS, REQUESTS)
def test_budgets_hold_except_for_an_oversized_oldest_entry_alone(
    counts: list[int], max_tokens: int, max_requests: int
) -> None:
    batch = plan_batch(counts, max_batch_tokens=max_tokens, max_batch_requests=max_requests)
    lengths = [counts[place] for place in batch]
    assert 0 in batch
    assert len(set(batch)) == len(batch) <= max_requests
    assert lengths == sorted(lengths)
    assert padded(lengths) <= max_tokens or batch == [0]


@given(COUNTS, TOKENS, REQUESTS)
def test_no_batch_of_like_lengths_holds_more_text_for_its_cost(
    counts: list[int], max_tokens: int, max_requests: int
) -> None:
    """Against every batch that could have been made, by trying all."""
    batch = plan_batch(counts, max_batch_tokens=max_tokens, max_batch_requests=max_requests)
    chosen = share([counts[place] for place in batch])
    order = sorted(range(len(counts)), key=lambda place: (counts[place], place))
    for start in range(len(order)):
        for end in range(start + 1, min(start + max_requests, len(order)) + 1):
            lengths = [counts[place] for place in order[start:end]]
            if 0 in order[start:end] and padded(lengths) <= max_tokens:
                assert share(lengths) <= chosen + 1e-12


@given(COUNTS, TOKENS, REQUESTS)
def test_batches_one_after_the_other_empty_the_queue(
    counts: list[int], max_tokens: int, max_requests: int
) -> None:
    waiting, served = list(enumerate(counts)), []
    while waiting:
        batch = plan_batch(
            [tokens for _, tokens in waiting],
            max_batch_tokens=max_tokens,
            max_batch_requests=max_requests,
        )
        served += [waiting[place] for place in batch]
        waiting = [one for place, one in enumerate(waiting) if place not in batch]
    assert sorted(served) == list(enumerate(counts))


@pytest.mark.parametrize(
    ("counts", "taken"),
    [([10], 1), ([10, 30], 2), ([10, 31], 1), ([500, 1], 1), ([1] * 9, 8)],
    ids=["one", "budget-reached", "budget-passed", "oversized-alone", "most-requests"],
)
def test_without_padding_the_oldest_go_until_the_sum_is_reached(
    counts: list[int], taken: int
) -> None:
    places = plan_packed_batch(counts, max_batch_tokens=40, max_batch_requests=8)
    assert places == list(range(taken))
