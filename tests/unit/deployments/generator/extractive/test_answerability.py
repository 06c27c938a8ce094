"""What makes it likely that the context answers the question."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.contracts.documents import Chunk
from deployments.contracts.search import ScoredChunk, Signals
from deployments.generator.extractive.answerability import estimate_answerability
from deployments.generator.extractive.reading.analysis import analyse_sentence
from deployments.generator.extractive.sentence_scoring import score_sentences

LAW = "Newton's First Law of 1687 states that objects continue to move at the same speed."
UNKNOWN = Signals()


def estimate(question: str, text: str = LAW, signals: Signals = UNKNOWN) -> float:
    asked = analyse_sentence(question)
    context = [ScoredChunk(Chunk("c", "d", 0, text, "a.md", ""), 1.0, 1, signals)]
    best = max(score_sentences(asked, context), key=lambda one: one.score)
    return estimate_answerability(asked, best, context)


@pytest.mark.parametrize(
    ("answerable", "near_miss"),
    [
        ("What does the law of Newton state?", "What does the law of Euler state?"),
        ("What does the law of 1687 state?", "What does the law of 1688 state?"),
        ("What does the First Law state?", "What does the Second Law state?"),
        ("What does the law state?", "What doesn't the law state?"),
        ("What does the law state of objects?", "What does the law state of planets?"),
    ],
    ids=["name", "number", "opposite", "negation", "coverage"],
)
def test_a_near_miss_is_less_likely_answered(answerable: str, near_miss: str) -> None:
    assert estimate(near_miss) < estimate(answerable)


def test_words_that_meet_in_no_sentence_answer_little() -> None:
    together = "A full queue refuses requests. The door is green."
    apart = "A full door refuses requests. The queue is green."
    question = "Does a full queue refuse?"
    assert estimate(question, apart) < estimate(question, together)


def test_a_name_may_stand_around_the_sentence() -> None:
    before = "Here is a work of Newton. The law states that objects move."
    without = "Here is a work of another. The law states that objects move."
    question = "What does the law of Newton state?"
    assert estimate(question, before) > estimate(question, without)


def test_the_cause_of_what_is_not_needs_no_negation() -> None:
    text = "The door is closed in winter because of the wind."
    assert estimate("Why is the door not open in winter?", text) > estimate(
        "Which door is not open in winter?", text
    )


def test_the_better_one_of_cosine_and_reranker_counts() -> None:
    question = "What does the law of Newton state?"
    low, high = (estimate(question, signals=Signals(dense=one)) for one in (0.2, 0.8))
    assert low < estimate(question) < high
    assert estimate(question, signals=Signals(dense=0.8, rerank=0.1)) == high
    low, high = (estimate(question, signals=Signals(rerank=one)) for one in (0.3, 0.9))
    assert low < estimate(question) < high
    assert estimate(question, signals=Signals(dense=0.1, rerank=0.9)) == high


def test_a_reranker_on_another_scale_says_nothing_here() -> None:
    question = "What does the law of Newton state?"
    assert estimate(question, signals=Signals(rerank=7.5)) == estimate(question)


WORDS = st.lists(st.sampled_from(["law", "Newton", "1687", "not", "first", "is", "."])).map(
    " ".join
)


@given(question=WORDS, dense=st.floats(-1, 1), rerank=st.none() | st.floats(-2, 2))
def test_it_is_always_a_likelihood(question: str, dense: float, rerank: float | None) -> None:
    value = estimate(f"law {question}", signals=Signals(dense=dense, rerank=rerank))
    assert 0.0 < value < 1.0
