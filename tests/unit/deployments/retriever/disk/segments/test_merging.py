"""How many segments there are, and how often a row is written."""

import pytest

from deployments.retriever.disk.segments.merging import is_worn, plan_merges


@pytest.mark.parametrize(
    ("kept", "added", "plan"),
    [
        ([], 0, []),
        ([], 5, [[0]]),
        ([100], 0, [[0]]),
        ([100], 5, [[0], [1]]),
        ([100], 50, [[0, 1]]),
        ([1000, 60, 20], 10, [[0], [1, 2, 3]]),
        ([0, 0], 1, [[0, 1, 2]]),
    ],
)
def test_a_small_segment_is_joined_with_those_before_it(
    kept: list[int], added: int, plan: list[list[int]]
) -> None:
    assert plan_merges(kept, added) == plan


@pytest.mark.parametrize("step", [1, 20, 999])
def test_a_growing_index_has_few_segments_and_writes_each_row_a_few_times(step: int) -> None:
    sizes: list[int] = []
    written = 0
    for _ in range(1000):
        plan = plan_merges(sizes, step)
        sizes = [sum((*sizes, step)[place] for place in group) for group in plan]
        written += sizes[-1]
    assert sum(sizes) == 1000 * step
    assert len(sizes) <= 6
    assert written <= 20 * sum(sizes)


def test_what_is_mostly_gone_is_written_anew() -> None:
    assert is_worn(6, 4)
    assert not is_worn(9, 1)
    assert is_worn(0, 1)
