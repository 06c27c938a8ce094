"""The arithmetic of a rate: one integer for each bucket, its theoretical arrival time.

A bucket is full where that time has come, and empty where it is a whole period ahead. What costs
more than one, what is given back and what is owed are additions to it, so that a settlement which
is lost costs one refund and leaks nothing.

All is in whole microseconds, so that every store computes the same; Lua's numbers are exact up to
2^53. Costs are rounded up and refunds down: never in favour of whoever asks.

Source: the Generic Cell Rate Algorithm, ITU-T I.371, annex A; its form with one stored time:
Brandur Leach, Rate Limiting, Cells, and GCRA, 2015.
"""

MINUTE_US = 60_000_000
_MOST_PERIODS = 2
"""A bucket owes one period beyond an empty one at most: neither a bad estimate nor a clock that
went back shuts anybody out for longer."""


def cost_us(units: int, limit: int, period_us: int = MINUTE_US) -> int:
    """Returns how far units move a bucket of `limit` units for each period.

    >>> cost_us(1, 600), cost_us(1, 7)
    (100000, 8571429)
    """
    return -(-units * period_us // limit)


def refund_us(units: int, limit: int, period_us: int = MINUTE_US) -> int:
    """Returns how far a bucket moves back for units that were not used.

    >>> refund_us(1, 7)
    8571428
    """
    return units * period_us // limit


def arrival_us(kept_us: int | None, now_us: int, period_us: int) -> int:
    """Returns the arrival time from which a bucket counts on.

    Args:
        kept_us: What was kept of it; None for nothing.
        now_us: The store's time.
        period_us: Time in which an empty bucket fills.

    >>> arrival_us(None, 100, 60), arrival_us(40, 100, 60), arrival_us(130, 100, 60)
    (100, 100, 130)
    >>> arrival_us(100_000, 100, 60)  # the clock went back
    220
    """
    if kept_us is None:
        return now_us
    return min(max(kept_us, now_us), now_us + _MOST_PERIODS * period_us)


def moved_us(kept_us: int | None, now_us: int, period_us: int, delta_us: int) -> int:
    """Returns the arrival time after a settlement, which nothing refuses.

    Args:
        kept_us: As in `arrival_us`.
        now_us: As in `arrival_us`.
        period_us: As in `arrival_us`.
        delta_us: What is owed above zero, what is given back below it.

    >>> moved_us(130, 100, 60, -20), moved_us(130, 100, 60, 500)
    (110, 220)
    """
    return min(
        arrival_us(kept_us, now_us, period_us) + delta_us, now_us + _MOST_PERIODS * period_us
    )


def remaining_units(used_us: int, limit: int, period_us: int = MINUTE_US) -> int:
    """Returns how many units a bucket has left.

    Args:
        used_us: Its arrival time less the time at which it was looked at.
        limit: Units for each period.
        period_us: The period.

    >>> remaining_units(0, 600), remaining_units(100_000, 600), remaining_units(90_000_000, 600)
    (600, 599, 0)
    """
    return max(period_us - max(used_us, 0), 0) * limit // period_us
