"""Looks that are kept for the record are enough for a curve, and do not grow without bound."""

import itertools

import pytest

from deployments.control.noting import note_every_s


def looks_in(age_s: float) -> int:
    """Returns how many looks there are of a rollout that is looked at all the time."""
    at_s = 0.0
    for number in itertools.count(1):
        at_s += note_every_s(at_s)
        if at_s > age_s:
            return number
    raise AssertionError


@pytest.mark.parametrize(
    ("age_s", "least", "most"), [(60, 6, 8), (3600, 280, 400), (30 * 86_400, 2000, 2500)]
)
def test_there_are_so_many(age_s: float, least: int, most: int) -> None:
    assert least <= looks_in(age_s) <= most


def test_a_year_adds_little_to_a_month() -> None:
    assert looks_in(365 * 86_400) < 1.5 * looks_in(30 * 86_400)
