"""Whether work takes time in proportion to its input, on a machine that has other work to do."""

import time
from collections.abc import Callable

MOST_RATIO = 2.5
LEAST_S = 0.02
"""Below this a time is noise, and quick enough."""
_TRIES = 6


def assert_linear(small: Callable[[], object], large: Callable[[], object]) -> None:
    """Fails when twice the input takes more than two and a half times the processor time.

    Turns are taken until one is in bounds: a slow moment of the machine spoils a turn, while what
    is slow itself is so in every turn. Both halves of a turn lie side by side, so that a machine
    that is slow for seconds is slow for both.
    """
    ratios = []
    for _ in range(_TRIES):
        small_s, large_s = _cost_s(small), _cost_s(large)
        ratios.append(large_s / max(small_s, LEAST_S))
        if ratios[-1] <= MOST_RATIO:
            return
    raise AssertionError(f"twice the input took {', '.join(f'{r:.1f}' for r in ratios)} times")


def _cost_s(work: Callable[[], object]) -> float:
    began_s = time.process_time()
    work()
    return time.process_time() - began_s
