"""Metrics of a ranking against values worked out by hand, and their laws."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as some

from benchmarks.quality.ranking_metrics import ndcg, recall, reciprocal_rank

GRADES = {"a": 3, "b": 1, "c": 0, "d": 2}
documents = some.lists(some.sampled_from("abcdefgh"), unique=True)
grades = some.dictionaries(some.sampled_from("abcdefgh"), some.integers(-1, 4))


def test_ndcg_has_linear_gains() -> None:
    gained = 1 / math.log2(2) + 3 / math.log2(4)
    ideal = 3 / math.log2(2) + 2 / math.log2(3) + 1 / math.log2(4)
    assert ndcg(["b", "x", "a"], GRADES, k=10) == pytest.approx(gained / ideal)


def test_ndcg_looks_at_the_first_k_of_both_orders() -> None:
    gained, ideal = 1 + 2 / math.log2(3), 3 + 2 / math.log2(3)
    assert ndcg(["b", "d", "a"], GRADES, k=2) == pytest.approx(gained / ideal)


@given(grades=grades)
def test_ideal_order_has_ndcg_one(grades: dict[str, int]) -> None:
    best_first = sorted(grades, key=lambda one: -grades[one])
    relevant = any(grade > 0 for grade in grades.values())
    assert ndcg(best_first, grades, k=10) == pytest.approx(float(relevant))


@given(ranked=documents, grades=grades)
def test_every_metric_is_a_share(ranked: list[str], grades: dict[str, int]) -> None:
    for value in (
        ndcg(ranked, grades, k=10),
        recall(ranked, grades, k=3),
        reciprocal_rank(ranked, grades, k=3),
    ):
        assert 0.0 <= value <= 1.0 + 1e-12


@given(ranked=documents, grades=grades)
def test_recall_grows_with_k(ranked: list[str], grades: dict[str, int]) -> None:
    shares = [recall(ranked, grades, k=k) for k in range(9)]
    assert shares == sorted(shares)


def test_recall_counts_relevant_documents() -> None:
    assert recall(["a", "c", "x", "b"], GRADES, k=3) == pytest.approx(1 / 3)
    assert recall(["a", "c", "x", "b"], GRADES, k=10) == pytest.approx(2 / 3)


def test_reciprocal_rank_is_that_of_the_first_relevant_document() -> None:
    assert reciprocal_rank(["c", "x", "b", "a"], GRADES, k=10) == pytest.approx(1 / 3)
    assert reciprocal_rank(["c", "x", "b", "a"], GRADES, k=2) == 0.0
