"""Which of the waiting entries go into the next batch."""

from bisect import bisect_left
from collections.abc import Sequence
from functools import partial
from itertools import accumulate

BATCH_OVERHEAD_TOKENS = 64
"""What starting a batch costs beside its tokens, in tokens: what a short text gains by not running
alone. A MiniLM on two CPU cores takes about as long for an empty batch as for 64 tokens of a full
one."""


def plan_batch(
    token_counts: Sequence[int], *, max_batch_tokens: int, max_batch_requests: int
) -> list[int]:
    """Returns the places of the entries that form the next batch, shortest entry first.

    What a batch costs is its padded size, longest entry x entries, because that is what the model
    computes. Of all batches of like length that hold the oldest entry and keep the bounds, the one
    is taken in which the largest share of the cost is text. So a long text does not make short ones
    pay for its length, and nothing waits for ever: the oldest entry always goes.

    Args:
        token_counts: Tokens per waiting entry, oldest first, each at least 1.
        max_batch_tokens: Bound on the padded size. An oldest entry that exceeds it runs alone.
        max_batch_requests: Bound on the number of entries.

    >>> plan_batch([10, 12, 250, 9], max_batch_tokens=1000, max_batch_requests=8)
    [3, 0, 1]
    """
    order = sorted(range(len(token_counts)), key=lambda place: (token_counts[place], place))
    lengths = [token_counts[place] for place in order]
    sums = [0, *accumulate(lengths)]

    def share(start: int, end: int) -> float:
        cost = lengths[end - 1] * (end - start) + BATCH_OVERHEAD_TOKENS
        return (sums[end] - sums[start]) / cost

    def is_worth_its_padding(place: int, end: int) -> bool:
        return share(place, end) >= share(place + 1, end)

    oldest = order.index(0)
    best, best_share = (oldest, oldest + 1), 0.0
    for end in range(oldest + 1, len(order) + 1):
        longest = lengths[end - 1]
        first = max(0, end - min(max_batch_requests, max_batch_tokens // longest))
        if first > oldest:
            break  # longer entries leave even less room
        # Where one entry is not worth its padding, no shorter one is.
        start = bisect_left(
            range(oldest), True, lo=first, key=partial(is_worth_its_padding, end=end)
        )
        if share(start, end) > best_share:
            best, best_share = (start, end), share(start, end)
    return order[slice(*best)]
