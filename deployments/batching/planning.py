"""Which of the waiting entries go into the next batch."""

from collections.abc import Sequence


def plan_batch(
    token_counts: Sequence[int], *, max_batch_tokens: int, max_batch_requests: int
) -> int:
    """Returns how many entries from the front of the queue form the next batch.

    The cost of a batch is its padded size, longest entry x number of entries, because that is what
    the model computes. At least one entry is taken, so that an entry over the budget runs alone
    instead of waiting for ever.

    Args:
        token_counts: Tokens per waiting entry, oldest first.
        max_batch_tokens: Bound on the padded size of the batch.
        max_batch_requests: Bound on the number of entries.

    >>> plan_batch([10, 12, 30, 5], max_batch_tokens=40, max_batch_requests=8)
    2
    """
    longest = 0
    for taken, count in enumerate(token_counts):
        longest = max(longest, count)
        if taken == max_batch_requests or (taken > 0 and longest * (taken + 1) > max_batch_tokens):
            return taken
    return len(token_counts)
