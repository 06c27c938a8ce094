"""From chunks to ranked documents to figures."""

import pytest

from benchmarks.quality.retrieval_study import (
    STAGES,
    Plan,
    judge,
    judged_queries,
    pick,
    ranked_documents,
    summarise_times,
)
from benchmarks.quality.subject import Asked, Searched

PLAN = Plan(candidates=50, top_k=30, top_n=5, timed=10, at_once=4, seed=7)


def test_document_ranks_by_its_first_chunk() -> None:
    paths = ["set/b", "set/a", "set/b", "set/c/d", "set/a"]
    assert ranked_documents(paths, "set") == ["b", "a", "c/d"]


def test_document_of_something_else_keeps_its_place_and_is_never_judged() -> None:
    assert ranked_documents(["a", "set/a", "set2/a"], "set") == ["/a", "a", "/set2/a"]


@pytest.mark.parametrize(
    ("stage", "top_k", "top_n"),
    [("dense", 100, 100), ("lexical", 100, 100), ("fused", 50, 50), ("reranked", 30, 30)],
)
def test_judged_order_is_the_one_that_the_release_makes(stage: str, top_k: int, top_n: int) -> None:
    asked = PLAN.judged("why?", STAGES[stage])
    assert (asked.top_k, asked.top_n) == (top_k, top_n)
    assert asked.rerank is (stage == "reranked")


def test_timed_search_is_the_one_of_the_release() -> None:
    assert PLAN.as_deployed("why?", STAGES["reranked"]) == Asked("why?", "hybrid", True, 30, 5)


def test_queries_without_a_relevant_document_are_left_out() -> None:
    queries = {"1": "a", "2": "b", "3": "c"}
    assert judged_queries(queries, {"1": {"d": 1}, "2": {"d": 0}}) == {"1": "a"}


def test_sample_is_drawn_by_seed_and_keeps_the_order() -> None:
    items = list(range(100))
    drawn = pick(items, 10, seed=3)
    assert drawn == sorted(drawn) == pick(items, 10, seed=3)
    assert drawn != pick(items, 10, seed=4)
    assert pick(items, None, seed=3) == pick(items, 1000, seed=3) == items


def test_figures_are_means_over_queries() -> None:
    judgements = {"1": {"a": 1}, "2": {"b": 1, "c": 1}}
    figures = judge({"1": ["a"], "2": ["x", "b"]}, judgements, seed=1)
    assert figures["first_hit"]["value"] == 0.5
    assert figures["mrr_at_10"]["value"] == 0.75
    assert figures["recall_at_10"]["value"] == 0.75
    assert figures["queries"] == 2
    assert figures["lists_under_10"] == 2
    low, high = figures["mrr_at_10"]["ci95"]
    assert low == 0.5
    assert high == 1.0


def test_times_have_percentiles_and_the_median_of_each_stage() -> None:
    spent = [
        Searched((), total_ms, {"embedder": total_ms / 2, "retriever": 1.0})
        for total_ms in (10.0, 20.0, 30.0)
    ]
    figures = summarise_times(spent)
    assert figures["p50_ms"] == 20.0
    assert figures["p95_ms"] == 29.0
    assert figures["stage_p50_ms"] == {"embedder": 10.0, "retriever": 1.0}
    assert summarise_times([]) == {}
