"""How many requests somebody waits for, and for how long nobody has."""

import math

from app.edge.foreground import Foreground
from tests.clock import Clock


def test_it_is_quiet_from_the_end_of_the_last_one() -> None:
    clock = Clock()
    foreground = Foreground(clock)
    assert foreground.quiet_s() == math.inf
    with foreground.running(), foreground.running():
        clock.now_s += 3.0
        assert (foreground.open_requests, foreground.quiet_s()) == (2, 0.0)
    clock.now_s += 2.0
    assert (foreground.open_requests, foreground.quiet_s()) == (0, 2.0)
