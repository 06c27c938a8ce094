"""Rollouts to show."""

import pytest

from deployments.rollouts import Look, Rollout
from tests.rollout_course import course, make_rollout

Shown = tuple[Rollout, list[Look]]


def _shown(slower: float) -> Shown:
    rollout = make_rollout()
    decided = enumerate(course(rollout, slower=slower), 1)
    return rollout, [Look(number, rollout.id, *one) for number, one in decided]


@pytest.fixture(scope="session")
def promoted() -> Shown:
    """A rollout that was promoted, and all its looks."""
    return _shown(1.0)


@pytest.fixture(scope="session")
def rolled_back() -> Shown:
    """A rollout that was rolled back in its first stage, and all its looks."""
    return _shown(1.3)
