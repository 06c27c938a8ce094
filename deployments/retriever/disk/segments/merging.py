"""Which segments are written anew as one, so that there are few of them and little in them that is
gone.

Sizes fall from segment to segment by at least a factor, so that a million rows are in a handful of
segments, and each row is written again a few times while the index grows.

Source: O'Neil et al., The Log-Structured Merge-Tree, Acta Informatica 33, 1996.
"""

from collections.abc import Sequence

_FACTOR = 4
_MAX_GONE_RATIO = 0.3


def plan_merges(kept: Sequence[int], added: int) -> list[list[int]]:
    """Returns the places of the segments that there will be, neighbours only, those of one new
    segment together.

    >>> plan_merges([1000, 60, 20], added=10)
    [[0], [1, 2, 3]]

    Args:
        kept: Rows of each segment that count.
        added: New rows, which are one segment more, behind the others; 0 for none.
    """
    plan = [[place] for place in range(len(kept))]
    sizes = list(kept)
    if added:
        plan.append([len(kept)])
        sizes.append(added)
        while len(plan) > 1 and sizes[-2] < _FACTOR * sizes[-1]:
            plan[-2:] = [plan[-2] + plan[-1]]
            sizes[-2:] = [sizes[-2] + sizes[-1]]
    return plan


def is_worn(kept: int, gone: int) -> bool:
    """Returns whether so much of a segment is gone that it is written anew."""
    return gone > _MAX_GONE_RATIO * (kept + gone)
