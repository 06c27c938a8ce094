"""Whether work takes time in proportion to its input, on a machine that has other work to do."""

import time
from collections.abc import Callable

MOST_RATIO = 2.5
LEAST_S = 0.02
"""Below this a time is noise, and quick enough."""
_TRIES = 6


def assert_linear(small: Callable[[], object], large: Callable[[], object]) -> None:
    """Fails when twice the input takes more than two and a half times the processor time.

    The least of several turns counts, and turns are taken until the ratio is in bounds: other work
    makes a turn longer and never shorter, so that only what is slow itself fails each time.
    """
    least_small_s, least_large_s = _cost_s(small), _cost_s(large)
    for _ in range(_TRIES - 1):
        if least_large_s <= MOST_RATIO * max(least_small_s, LEAST_S):
            return
        least_large_s = min(least_large_s, _cost_s(large))
        least_small_s = min(least_small_s, _cost_s(small))
    assert least_large_s <= MOST_RATIO * max(least_small_s, LEAST_S)


def _cost_s(work: Callable[[], object]) -> float:
    began_s = time.process_time()
    work()
    return time.process_time() - began_s
