"""Fusing formulations, weighing judgements, and leaving copies out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.answering.copies import distinct
from app.answering.ranking import judged, merge
from deployments.contracts.documents import Chunk
from deployments.contracts.search import ScoredChunk, Signals

WORDS = [
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
]


def hit(name: str, score: float = 1.0, text: str = "", rank: int = 1) -> ScoredChunk:
    chunk = Chunk(name, name, 0, text or name, f"{name}.md", "")
    return ScoredChunk(chunk, score, rank, Signals(dense=score))


def names(hits: list[ScoredChunk]) -> list[str]:
    assert [one.rank for one in hits] == list(range(1, len(hits) + 1))
    return [one.chunk.id for one in hits]


def test_one_formulation_stays_as_it_is() -> None:
    hits = [hit("a", 0.9, rank=1), hit("b", 0.5, rank=2)]
    assert merge([hits], top_k=2) == hits
    assert merge([hits], top_k=1) == hits[:1]


def test_what_several_formulations_found_comes_first_and_once() -> None:
    found = [[hit("a", 0.9), hit("b", 0.2)], [hit("c", 100.0), hit("b", 99.0)]]
    assert names(merge(found, top_k=10)) == ["b", "a", "c"]
    assert names(merge(found, top_k=1)) == ["b"]


def test_a_chunk_keeps_the_signals_of_the_first_formulation() -> None:
    [one] = merge([[hit("a", 0.9)], [hit("a", 0.1)]], top_k=10)
    assert one.signals.dense == 0.9


def test_the_weight_decides_between_retriever_and_reranker() -> None:
    found = [hit("a", 0.9), hit("b", 0.8), hit("c", 0.1)]
    scores = [0.1, 0.7, 0.8]
    assert names(judged(found, scores, rerank_weight=0.0)) == ["a", "b", "c"]
    assert names(judged(found, scores, rerank_weight=1.0)) == ["c", "b", "a"]
    assert names(judged(found, scores, rerank_weight=0.5)) == ["b", "a", "c"]


def test_judgements_become_signals_and_the_others_stay() -> None:
    [best, _] = judged([hit("a", 0.9), hit("b", 0.1)], [0.6, 0.2], rerank_weight=0.5)
    assert best.signals == Signals(dense=0.9, rerank=0.6)
    assert best.score == pytest.approx(1.0)


def test_equal_judgements_are_ordered_by_chunk_id() -> None:
    assert names(judged([hit("b"), hit("a")], [0.5, 0.5], rerank_weight=0.5)) == ["a", "b"]


def text_of(*words: str) -> str:
    return " ".join(words)


def test_copies_give_way_to_the_next_chunk() -> None:
    copy = text_of(*WORDS)
    hits = [hit("a", text=copy), hit("b", text=copy.title() + "!"), hit("c", text="something else")]
    assert names(distinct(hits, top_n=2, max_repeated_ratio=0.7)) == ["a", "c"]
    assert names(distinct(hits, top_n=2, max_repeated_ratio=1.0)) == ["a", "b"]


def test_a_passage_inside_a_better_one_is_a_copy_and_a_longer_one_is_not() -> None:
    whole, part = text_of(*WORDS), text_of(*WORDS[:6])
    inside = [hit("a", text=whole), hit("b", text=part)]
    assert names(distinct(inside, top_n=2, max_repeated_ratio=0.7)) == ["a"]
    assert names(distinct(inside[::-1], top_n=2, max_repeated_ratio=0.7)) == ["b", "a"]


def test_neighbours_that_overlap_a_little_stay() -> None:
    hits = [hit("a", text=text_of(*WORDS[:8])), hit("b", text=text_of(*WORDS[5:]))]
    assert names(distinct(hits, top_n=2, max_repeated_ratio=0.7)) == ["a", "b"]


@pytest.mark.parametrize("text", ["!?", "word", "two words", "数据 🎉"])
def test_texts_of_few_words_are_compared_whole(text: str) -> None:
    hits = [hit("a", text=text), hit("b", text=text), hit("c", text=f"{text} and more words")]
    assert names(distinct(hits, top_n=3, max_repeated_ratio=0.7)) == ["a", "c"]


@given(st.lists(st.lists(st.sampled_from(WORDS), max_size=8), max_size=8), st.integers(1, 8))
def test_the_best_stays_and_the_order_too(texts: list[list[str]], top_n: int) -> None:
    hits = [hit(f"{place}", text=text_of(*words) or "-") for place, words in enumerate(texts)]
    kept = names(distinct(hits, top_n=top_n, max_repeated_ratio=0.5))
    assert kept == sorted(kept)
    assert len(kept) <= top_n
    assert kept[:1] == [one.chunk.id for one in hits[:1]]
