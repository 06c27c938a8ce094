"""Which entries form a batch: the padded size is bounded, and something always runs."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.batching.planning import plan_batch

COUNTS = st.lists(st.integers(min_value=0, max_value=600), max_size=40)
TOKENS = st.integers(min_value=1, max_value=2000)
REQUESTS = st.integers(min_value=1, max_value=20)


def padded(token_counts: list[int]) -> int:
    return max(token_counts, default=0) * len(token_counts)


@pytest.mark.parametrize(
    ("counts", "taken"),
    [
        ([], 0),
        ([10], 1),
        ([10, 10, 10, 10], 4),
        ([10, 10, 10, 10, 10], 4),
        ([10, 21], 1),
        ([10, 20], 2),
        ([20, 10, 10], 2),
        ([500], 1),
        ([500, 1], 1),
        ([1, 500], 1),
        ([0, 0, 0], 3),
        ([1] * 9, 8),
    ],
    ids=[
        "empty",
        "one",
        "budget-reached",
        "budget-passed",
        "longer-one-pads-the-others",
        "longer-one-still-fits",
        "shorter-ones-cost-as-much-as-the-longest",
        "oversized-alone",
        "nothing-joins-an-oversized-one",
        "an-oversized-one-joins-nobody",
        "no-tokens",
        "most-requests",
    ],
)
def test_padded_size_decides(counts: list[int], taken: int) -> None:
    assert plan_batch(counts, max_batch_tokens=40, max_batch_requests=8) == taken


@settings(deadline=None)
@given(COUNTS, TOKENS, REQUESTS)
def test_budgets_hold_except_for_an_oversized_entry_alone(
    counts: list[int], max_tokens: int, max_requests: int
) -> None:
    taken = plan_batch(counts, max_batch_tokens=max_tokens, max_batch_requests=max_requests)
    assert taken <= max_requests
    assert padded(counts[:taken]) <= max_tokens or taken == 1


@settings(deadline=None)
@given(COUNTS, TOKENS, REQUESTS)
def test_a_batch_is_as_large_as_the_budgets_allow(
    counts: list[int], max_tokens: int, max_requests: int
) -> None:
    taken = plan_batch(counts, max_batch_tokens=max_tokens, max_batch_requests=max_requests)
    assert (taken == 0) == (not counts)
    if taken < len(counts):
        assert taken == max_requests or padded(counts[: taken + 1]) > max_tokens


@settings(deadline=None)
@given(COUNTS, TOKENS, REQUESTS)
def test_batches_one_after_the_other_empty_the_queue(
    counts: list[int], max_tokens: int, max_requests: int
) -> None:
    waiting, batches = counts, []
    while waiting:
        taken = plan_batch(waiting, max_batch_tokens=max_tokens, max_batch_requests=max_requests)
        batches.append(waiting[:taken])
        waiting = waiting[taken:]
    assert [count for batch in batches for count in batch] == counts
