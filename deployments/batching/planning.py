"""Which of the waiting entries go into the next batch."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from functools import partial
from itertools import accumulate

MIN_OVERHEAD_TOKENS = 64.0
"""What starting a batch costs beside its tokens, in tokens, until something is known of the model,
and at least. A MiniLM on two CPU cores takes about as long for an empty batch as for 64 tokens of a
full one."""
_MEMORY = 0.98
"""Share of the former knowledge in the new one: the last fifty batches or so count."""
_FLAT = 0.1
"""Tokens that make less than this share of a batch's time are free."""


class CostModel:
    """What a batch of so many padded tokens costs: a line through the batches that ran.

    A CPU's time grows with every token, a GPU's hardly at all with short texts. Where the line is
    flat, padding costs nothing and everything that waits goes at once.
    """

    def __init__(self) -> None:
        self._weight = self._mean_tokens = self._mean_s = self._variance = self._covariance = 0.0

    def observe(self, padded_tokens: int, took_s: float) -> None:
        """Learns from one batch.

        Source: weighted incremental mean and covariance; West, Updating Mean and Variance
        Estimates, Communications of the ACM 22(9), 1979.
        """
        self._weight = _MEMORY * self._weight + 1.0
        share = 1.0 / self._weight
        tokens_off, s_off = padded_tokens - self._mean_tokens, took_s - self._mean_s
        self._mean_tokens += share * tokens_off
        self._mean_s += share * s_off
        keep = 1.0 - share
        self._variance = keep * (self._variance + share * tokens_off**2)
        self._covariance = keep * (self._covariance + share * tokens_off * s_off)

    @property
    def overhead_tokens(self) -> float:
        """The cost of an empty batch in tokens; infinite where tokens cost nothing."""
        if self._variance <= 0.0:
            return MIN_OVERHEAD_TOKENS
        s_per_token = self._covariance / self._variance
        if s_per_token * self._mean_tokens <= _FLAT * self._mean_s:
            return math.inf
        empty_s = self._mean_s - s_per_token * self._mean_tokens
        return max(empty_s / s_per_token, MIN_OVERHEAD_TOKENS)


def plan_packed_batch(
    token_counts: Sequence[int], *, max_batch_tokens: int, max_batch_requests: int
) -> list[int]:
    """Returns the places of the entries that form the next batch of a model that computes no
    padding: the oldest ones, as many as the bounds allow, and at least one.

    >>> plan_packed_batch([10, 200, 30], max_batch_tokens=220, max_batch_requests=8)
    [0, 1]
    """
    sums = accumulate(token_counts[:max_batch_requests])
    fitting = sum(1 for tokens in sums if tokens <= max_batch_tokens)
    return list(range(max(fitting, 1)))


def plan_batch(
    token_counts: Sequence[int],
    *,
    max_batch_tokens: int,
    max_batch_requests: int,
    overhead_tokens: float = MIN_OVERHEAD_TOKENS,
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
        overhead_tokens: See `CostModel`. Infinite where the model takes as long for any batch: then
            as much text goes as the bounds allow.

    >>> texts = [10, 12, 250, 9]
    >>> plan_batch(texts, max_batch_tokens=1000, max_batch_requests=8, overhead_tokens=8.0)
    [3, 0, 1]
    """
    order = sorted(range(len(token_counts)), key=lambda place: (token_counts[place], place))
    lengths = [token_counts[place] for place in order]
    sums = [0, *accumulate(lengths)]

    def share(start: int, end: int) -> float:
        text = sums[end] - sums[start]
        if math.isinf(overhead_tokens):
            return text
        return text / (lengths[end - 1] * (end - start) + overhead_tokens)

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
