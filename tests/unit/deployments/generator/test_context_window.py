"""How many chunks fit a prompt, counted exactly."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.contracts.documents import Chunk
from deployments.contracts.errors import PromptTooLong
from deployments.contracts.generation import Message, Prompt
from deployments.contracts.search import ScoredChunk
from deployments.generator.context_window import fit_context, prompt_bound


def chunks(sizes: Sequence[int]) -> list[ScoredChunk]:
    return [
        ScoredChunk(Chunk(f"c{rank}", "d", rank, "w " * size, "d.md", ""), 1 / rank, rank)
        for rank, size in enumerate(sizes, start=1)
    ]


class Counter:
    """Writes prompts of a fixed head and the chunks, and counts how often it is asked."""

    def __init__(self, head_tokens: int) -> None:
        self._head = "h " * head_tokens
        self.counted = 0

    def write(self, context: Sequence[ScoredChunk]) -> Prompt:
        text = self._head + "".join(hit.chunk.text for hit in context)
        return Prompt(messages=(Message("user", text),), context=tuple(context))

    async def count(self, prompt: Prompt) -> int:
        self.counted += 1
        return len(prompt.messages[0].content.split())


async def fit(sizes: Sequence[int], *, head: int, bound: int) -> tuple[list[int], int]:
    """Returns the ranks that fitted, and how often the prompt was counted."""
    counter = Counter(head)
    prompt = await fit_context(
        chunks(sizes), write=counter.write, count=counter.count, max_prompt_tokens=bound
    )
    return [hit.rank for hit in prompt.context], counter.counted


async def test_what_fits_is_counted_once() -> None:
    assert await fit([10, 10], head=5, bound=25) == ([1, 2], 1)


async def test_the_best_ones_are_kept() -> None:
    ranks, counted = await fit([10] * 100, head=5, bound=58)
    assert ranks == [1, 2, 3, 4, 5]
    assert counted <= 8, "about log2 of 100 times"


async def test_no_room_for_the_first_is_the_callers_to_know() -> None:
    with pytest.raises(PromptTooLong, match="no room for a source.*40 tokens"):
        await fit([50, 1], head=5, bound=40)


@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=20), st.integers(0, 20), st.integers(40, 200)
)
async def test_one_more_would_be_too_many(sizes: list[int], head: int, bound: int) -> None:
    ranks, _ = await fit(sizes, head=head, bound=max(bound, head + sizes[0]))
    kept = len(ranks)
    limit = max(bound, head + sizes[0])
    assert ranks == list(range(1, kept + 1))
    assert head + sum(sizes[:kept]) <= limit
    assert kept == len(sizes) or head + sum(sizes[: kept + 1]) > limit


@pytest.mark.parametrize(
    ("window", "max_tokens", "bound"),
    [(1000, 100, 900), (1000, 5000, 500), (64, 512, 32)],
    ids=["room", "greedy", "tiny"],
)
def test_an_answer_reserves_at_most_half(window: int, max_tokens: int, bound: int) -> None:
    assert prompt_bound(window, max_tokens) == bound
