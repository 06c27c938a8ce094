"""How well the tokens of a passage cover those of a query."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from deployments.reranker.ranking import max_sim

X, Y = [1.0, 0.0], [0.0, 1.0]
SHAPES = st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(0, 1000))


def rows(*vectors: list[float]) -> NDArray[np.float32]:
    return np.array(vectors, dtype=np.float32)


def random_rows(count: int, seed: int) -> NDArray[np.float32]:
    found = np.random.default_rng(seed).normal(size=(count, 8))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize(
    ("query", "passage", "score"),
    [
        (rows(X), rows(X), 1.0),
        (rows(X), rows(Y), 0.0),
        (rows(X), rows([-1.0, 0.0]), -1.0),
        (rows(X, Y), rows(X), 0.5),
        (rows(X, Y), rows(Y, X), 1.0),
        (rows(X), rows(Y, X, Y), 1.0),
        (rows(X), rows([0.6, 0.8]), 0.6),
    ],
    ids=[
        "same",
        "unrelated",
        "opposite",
        "half-covered",
        "order-of-tokens",
        "best-token-counts",
        "near",
    ],
)
def test_mean_of_the_best_cosines(
    query: NDArray[np.float32], passage: NDArray[np.float32], score: float
) -> None:
    assert max_sim(query, passage) == pytest.approx(score)


@settings(deadline=None)
@given(SHAPES)
def test_score_is_a_cosine(shape: tuple[int, int, int]) -> None:
    queries, passages, seed = shape
    query, passage = random_rows(queries, seed), random_rows(passages, seed + 1)
    score = max_sim(query, passage)
    assert isinstance(score, float)
    assert -1.0001 <= score <= 1.0001
    assert max_sim(query, query) == pytest.approx(1.0, abs=1e-5)


@settings(deadline=None)
@given(SHAPES)
def test_more_of_a_passage_never_lowers_the_score(shape: tuple[int, int, int]) -> None:
    queries, passages, seed = shape
    query, passage = random_rows(queries, seed), random_rows(passages, seed + 1)
    longer = np.concatenate([passage, random_rows(3, seed + 2)])
    assert max_sim(query, longer) >= max_sim(query, passage) - 1e-6
