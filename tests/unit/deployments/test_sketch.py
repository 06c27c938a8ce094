"""Quantiles are within one percent of numpy's, and parts add up to the whole."""

import json
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.sketch import LARGEST, RELATIVE_ERROR, SMALLEST, Sketch
from tests.activity_reports import make_sketch

SHARES = (0.0, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0)
VALUES = st.lists(st.one_of(st.just(0.0), st.floats(SMALLEST, LARGEST)), min_size=1, max_size=200)


def _assert_close(values: list[float], sketch: Sketch) -> None:
    for share in SHARES:
        exact = float(np.quantile(values, share, method="lower"))
        found = sketch.quantile(share)
        assert found == pytest.approx(exact, rel=RELATIVE_ERROR * 1.000001), share


@given(VALUES)
def test_quantiles_are_within_the_error(values: list[float]) -> None:
    _assert_close(values, make_sketch(values))


@pytest.mark.parametrize("seed", range(3))
def test_quantiles_of_long_tails_are_within_the_error(seed: int) -> None:
    draw = np.random.default_rng(seed)
    for values in (draw.lognormal(5, 2, 5000), draw.pareto(1.1, 5000) + 1, draw.uniform(0, 1e4, 9)):
        _assert_close(values.tolist(), make_sketch(values.tolist()))


@given(VALUES, VALUES)
def test_parts_add_up_to_the_whole(first: list[float], second: list[float]) -> None:
    merged = make_sketch(first)
    merged.merge(make_sketch(second))
    assert merged == make_sketch(first + second)
    assert merged.count == len(first) + len(second)


@given(VALUES)
def test_nothing_is_lost_on_the_way(values: list[float]) -> None:
    sketch = make_sketch(values)
    assert Sketch.from_json(json.loads(json.dumps(sketch.to_json()))) == sketch
    assert pickle.loads(pickle.dumps(sketch)) == sketch


def test_what_has_no_logarithm_is_counted_apart() -> None:
    sketch = make_sketch([-1.0, 0.0, -0.0, math.nan, math.inf, 1e-300])
    assert sketch.count == 5, "all but the one that is no number"
    assert [sketch.quantile(share) for share in (0.0, 0.5)] == [0.0, 0.0]
    assert sketch.quantile(0.75) == pytest.approx(SMALLEST, rel=0.01)
    assert sketch.quantile(1.0) == pytest.approx(LARGEST, rel=0.01)


def test_of_no_values_there_is_no_quantile() -> None:
    assert Sketch().quantile(0.5) is None


def test_room_is_bounded() -> None:
    sketch = make_sketch((10.0 ** np.linspace(-9, 20, 20_000)).tolist())
    assert len(sketch.to_json()["bins"]) <= 2 * 1730
