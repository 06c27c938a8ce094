"""Releases that are looked at together have colours of their own."""

from deployments.tracking.releases.colours import COLOURS, next_colour


def test_as_many_releases_as_there_are_colours_have_one_each() -> None:
    taken: list[str] = []
    for _ in COLOURS:
        taken.append(next_colour(taken))
    assert taken == list(COLOURS)
    assert next_colour(taken) == COLOURS[0]


def test_a_colour_that_is_free_again_is_taken_first() -> None:
    assert next_colour([*COLOURS[:3], *COLOURS[4:], "", "#123456"]) == COLOURS[3]
