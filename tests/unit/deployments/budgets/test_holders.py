"""Who counts as gone."""

from deployments.budgets.holders import HolderWatch


def test_a_holder_that_says_nothing_for_ten_seconds_is_gone() -> None:
    watch = HolderWatch()
    found = [watch.silent({"dead": 7, "alive": second}, float(second)) for second in range(13)]
    assert found[9] == []
    assert found[10] == found[12] == ["dead"]


def test_a_holder_that_speaks_again_is_not() -> None:
    watch = HolderWatch()
    for second in range(11):
        watch.silent({"a": 1}, float(second))
    assert watch.silent({"a": 2}, 11.0) == []


def test_an_observer_that_could_not_look_begins_anew() -> None:
    watch = HolderWatch()
    for second in range(9):
        watch.silent({"a": 1}, float(second))
    assert watch.silent({"a": 1}, 60.0) == []
    assert watch.silent({"a": 1}, 62.0) == []
