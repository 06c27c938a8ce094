"""Which looks at a rollout are kept though they change nothing: enough for the curves of its
record, and never without bound."""

_EVERY_S = 10.0
_LOOKS = 300


def note_every_s(age_s: float) -> float:
    """Returns the time between two such looks at a rollout that began so many seconds ago: ten
    seconds at first, then a part of its age, so that there are so many while it grows three times
    as old. What is kept grows with the logarithm of the age: 300 looks in the first hour, and 2,300
    in a month.

    >>> note_every_s(60.0), note_every_s(6000.0)
    (10.0, 20.0)
    """
    return max(_EVERY_S, age_s / _LOOKS)
