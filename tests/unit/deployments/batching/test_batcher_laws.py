"""What holds for any entries: none is lost, doubled, out of order, or harmed by another."""

import asyncio
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.batching.batcher import Batcher
from deployments.batching.queue import Completed
from deployments.contracts.errors import StageFailed


@settings(max_examples=40)
@given(
    submits=st.lists(st.lists(st.integers(1, 60), max_size=6), max_size=8),
    max_tokens=st.integers(20, 120),
    max_requests=st.integers(1, 6),
)
def test_nothing_is_lost_doubled_or_out_of_order(
    submits: list[list[int]], max_tokens: int, max_requests: int
) -> None:
    """Every item is run once, within the budgets, and answered in its place."""
    batches: list[list[tuple[int, int, int]]] = []

    def run(items: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
        batches.append(list(items))
        return list(items)

    asked = [
        [(number, place, tokens) for place, tokens in enumerate(counts)]
        for number, counts in enumerate(submits)
    ]

    async def all_at_once() -> list[list[Completed[tuple[int, int, int]]]]:
        batcher = Batcher(
            run,
            stage="embedder",
            max_batch_tokens=max_tokens,
            max_batch_requests=max_requests,
            max_queued_tokens=10_000,
        )
        try:
            return await asyncio.gather(
                *(
                    batcher.submit(items, token_counts=[item[2] for item in items], timeout_s=30)
                    for items in asked
                )
            )
        finally:
            batcher.close()

    answers = asyncio.run(all_at_once())
    assert [[one.value for one in answer] for answer in answers] == asked
    assert sorted(item for batch in batches for item in batch) == sorted(sum(asked, []))
    for batch in batches:
        assert len(batch) <= max_requests
        padded = max(item[2] for item in batch) * len(batch)
        assert padded <= max_tokens or len(batch) == 1


@settings(max_examples=40)
@given(
    calls=st.lists(
        st.tuples(st.sampled_from(["good", "poisonous", "leaves"]), st.integers(1, 60)), max_size=12
    ),
    concurrent_batches=st.integers(1, 3),
)
def test_only_the_poisonous_fail_and_who_left_harms_nobody(
    calls: list[tuple[str, int]], concurrent_batches: int
) -> None:
    answered: list[int] = []

    def run(items: Sequence[tuple[int, str]]) -> list[int]:
        if any(kind == "poisonous" for _, kind in items):
            raise ValueError
        answered.extend(number for number, _ in items)
        return [number for number, _ in items]

    async def all_at_once() -> list[object]:
        batcher: Batcher[tuple[int, str], int] = Batcher(
            run,
            stage="embedder",
            max_batch_tokens=100,
            max_batch_requests=8,
            max_queued_tokens=10_000,
            concurrent_batches=concurrent_batches,
        )
        tasks = [
            asyncio.create_task(
                batcher.submit([(number, kind)], token_counts=[tokens], timeout_s=30)
            )
            for number, (kind, tokens) in enumerate(calls)
        ]
        await asyncio.sleep(0)
        for task, (kind, _) in zip(tasks, calls, strict=True):
            if kind == "leaves":
                task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        batcher.close()
        return list(outcomes)

    for number, (outcome, (kind, _)) in enumerate(
        zip(asyncio.run(all_at_once()), calls, strict=True)
    ):
        if kind == "good":
            assert isinstance(outcome, list)
            assert outcome[0].value == number
            assert answered.count(number) == 1
        else:
            assert isinstance(
                outcome, StageFailed if kind == "poisonous" else asyncio.CancelledError
            )
