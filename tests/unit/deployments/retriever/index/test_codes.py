"""Distances of codes, against one bit after the other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.retriever.index import codes as codes_module
from deployments.retriever.index.codes import add_distances, codes_of, nearest_of


@pytest.mark.parametrize("dimension", [1, 64, 100, 384, 1024])
@pytest.mark.parametrize("scanned", [7, 32_768])
def test_distances_count_the_signs_that_differ(
    monkeypatch: pytest.MonkeyPatch, dimension: int, scanned: int
) -> None:
    monkeypatch.setattr(codes_module, "_SCANNED_CODES", scanned)
    vectors = np.random.default_rng(1).normal(size=(40, dimension)).astype(np.float32)
    vectors[0] = -vectors[1]
    distances = np.zeros(40, dtype=np.uint16)
    codes = codes_of(vectors)
    add_distances(np.ascontiguousarray(codes.T), codes[1], distances)
    expected = ((vectors > 0) != (vectors[1] > 0)).sum(axis=1)
    assert distances.tolist() == expected.tolist()
    assert distances[0] == dimension


@given(st.lists(st.integers(0, 400), max_size=300), st.integers(1, 320))
def test_the_nearest_are_those_of_a_sort(distances: list[int], count: int) -> None:
    found = nearest_of(np.array(distances, dtype=np.uint16), count).tolist()
    assert found == sorted(found)
    if count >= len(distances):
        assert found == list(range(len(distances)))
    else:
        last = sorted(distances)[count - 1]
        assert found == [place for place, one in enumerate(distances) if one <= last]
