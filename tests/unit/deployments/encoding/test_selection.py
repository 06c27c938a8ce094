"""Which runtime is taken: the fastest of those that compute the same."""

import time
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest

from deployments.contracts.errors import ConfigError
from deployments.encoding.selection import fastest, min_cosine


@dataclass
class Candidate:
    """Takes its time, and is right or wrong."""

    takes_s: float
    is_right: bool = True
    runs_at_once: int = 1

    def work(self) -> None:
        time.sleep(self.takes_s)


def choose(**candidates: Candidate | ConfigError) -> str:
    def build(one: Candidate | ConfigError) -> Candidate:
        if isinstance(one, ConfigError):
            raise one
        return one

    chosen = fastest(
        {name: partial(build, one) for name, one in candidates.items()},
        is_equal=lambda one: one.is_right,
        work=lambda one: [one.work] * one.runs_at_once,
    )
    return next(name for name, one in candidates.items() if one is chosen)


def test_the_fastest_is_taken() -> None:
    assert choose(slow=Candidate(0.02), fast=Candidate(0.001)) == "fast"


def test_wrong_vectors_are_never_taken() -> None:
    assert choose(slow=Candidate(0.02), wrong=Candidate(0.001, is_right=False)) == "slow"


def test_what_cannot_be_built_is_left_out() -> None:
    assert choose(absent=ConfigError("not installed"), slow=Candidate(0.01)) == "slow"


def test_runs_at_once_count() -> None:
    assert choose(one=Candidate(0.02), two=Candidate(0.03, runs_at_once=2)) == "two"


def test_without_a_candidate_the_reason_is_told() -> None:
    reason = ConfigError("not installed")
    with pytest.raises(ConfigError) as caught:
        choose(absent=reason)
    assert caught.value.__cause__ is reason
    with pytest.raises(ConfigError):
        choose(wrong=Candidate(0.0, is_right=False))


def test_the_worst_row_counts() -> None:
    one = np.eye(3, dtype=np.float32)
    other = np.array([[1, 0, 0], [0, 0.6, 0.8], [0, 0, 1]], dtype=np.float32)
    assert min_cosine(one, other) == pytest.approx(0.6)
