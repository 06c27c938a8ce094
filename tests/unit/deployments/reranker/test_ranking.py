"""How well the tokens of a passage cover those of a query."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from deployments.contracts.vectors import TokenVectors
from deployments.encoding.quantization import quantize
from deployments.reranker import ranking

X, Y = [1.0, 0.0], [0.0, 1.0]
SHAPES = st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(0, 1000))


def max_sim(
    query: NDArray[np.float32],
    passage: TokenVectors,
    weights: NDArray[np.float32] | None = None,
) -> float:
    [score] = ranking.max_sim(query, [passage], weights)
    return score


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
    assert max_sim(query, quantize(passage)) == pytest.approx(score, abs=0.003)


@given(SHAPES)
def test_score_is_a_cosine(shape: tuple[int, int, int]) -> None:
    queries, passages, seed = shape
    query, passage = random_rows(queries, seed), random_rows(passages, seed + 1)
    score = max_sim(query, quantize(passage))
    assert isinstance(score, float)
    assert -1.01 <= score <= 1.01
    assert max_sim(query, quantize(query)) == pytest.approx(1.0, abs=0.01)


@given(SHAPES)
def test_more_of_a_passage_never_lowers_the_score(shape: tuple[int, int, int]) -> None:
    queries, passages, seed = shape
    query, passage = random_rows(queries, seed), random_rows(passages, seed + 1)
    longer = np.concatenate([passage, random_rows(3, seed + 2)])
    assert max_sim(query, quantize(longer)) >= max_sim(query, quantize(passage)) - 1e-6


@given(SHAPES)
def test_one_byte_per_value_is_enough(shape: tuple[int, int, int]) -> None:
    """Against the same formula in float32, at the width of a real model."""
    queries, passages, seed = shape
    generator = np.random.default_rng(seed)
    query, passage = (
        (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)
        for found in (generator.normal(size=(count, 384)) for count in (queries, passages))
    )
    exact = float((query @ passage.T).max(axis=1).mean())
    assert max_sim(query, quantize(passage)) == pytest.approx(exact, abs=0.005)


def test_a_row_of_zeros_is_no_division_by_zero() -> None:
    vectors = quantize(np.zeros((2, 8), dtype=np.float32))
    assert max_sim(rows([1.0] * 8), vectors) == 0.0


def test_sizes_are_those_of_the_arrays() -> None:
    vectors = quantize(random_rows(5, 1))
    assert (vectors.tokens, vectors.size_bytes) == (5, 5 * 8 + 5 * 4)


def test_tokens_count_as_much_as_they_weigh() -> None:
    passage = quantize(rows(X))
    weights = np.array([3.0, 1.0], dtype=np.float32)
    assert max_sim(rows(X, Y), passage, weights) == pytest.approx(0.75, abs=0.003)
