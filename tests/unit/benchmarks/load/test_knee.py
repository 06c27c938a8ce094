"""Where a load is best served."""

from benchmarks.load.knee import Step, knee_of


def step(users: int, requests_per_s: float, mean_ms: float) -> Step:
    return Step(users, requests_per_s, mean_ms, p95_ms=2 * mean_ms)


def test_the_knee_is_where_answers_stop_growing() -> None:
    steps = [step(4, 40, 50), step(8, 78, 52), step(16, 120, 80), step(32, 124, 210)]
    assert knee_of(steps) is steps[1]


def test_it_is_not_known_where_the_last_step_was_the_best() -> None:
    assert knee_of([step(1, 10, 20), step(2, 20, 20)]) is None


def test_it_is_not_known_where_nothing_was_answered() -> None:
    assert knee_of([step(1, 0, 0), step(2, 0, 0), step(3, 0, 0)]) is None
    assert knee_of([]) is None
