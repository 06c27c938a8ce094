"""Unit tests start no Ray and load no model: one that tries to, fails."""

import os

import pytest

# As many processes run as there are cores: threads of the numerical libraries beside them fight
# for those (a logistic regression takes six times as long). They read this when they are loaded.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")


@pytest.fixture(autouse=True)
def _refuse_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a unit test must not start Ray")

    monkeypatch.setattr("ray.init", refuse)
