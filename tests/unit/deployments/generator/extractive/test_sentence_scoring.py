"""What makes a sentence a likelier answer than another."""

import pytest

from deployments.contracts.documents import Chunk
from deployments.contracts.search import ScoredChunk, Signals
from deployments.generator.extractive.reading.analysis import analyse_sentence
from deployments.generator.extractive.sentence_scoring import Candidate, score_sentences


def hit(text: str, *, title: str = "", rerank: float | None = None) -> ScoredChunk:
    return ScoredChunk(Chunk("c", "d", 0, text, "a.md", title), 1.0, 1, Signals(rerank=rerank))


def score(question: str, *context: ScoredChunk) -> list[Candidate]:
    return score_sentences(analyse_sentence(question), context)


@pytest.mark.parametrize(
    ("question", "better", "worse"),
    [
        ("Who painted the ceiling?", "He painted the ceiling.", "He painted the door."),
        ("What is a lead time?", "The lead time is known.", "Lead is heavy, and so is all time."),
        ("How many seats are there?", "It has 40 seats inside.", "It has blue seats inside."),
    ],
    ids=["more-words", "neighbours", "expected-type"],
)
def test_the_better_sentence_scores_higher(question: str, better: str, worse: str) -> None:
    for texts in ([better, worse], [worse, better]):
        found = {one.sentence.text: one.score for one in score(question, hit("\n\n".join(texts)))}
        assert found[better] > found[worse]


def test_rare_words_weigh_more() -> None:
    text = "The queue is long. The queue is new. The queue is red. A valve is here."
    *_, red, valve = score("Has the queue a valve?", hit(text))
    assert valve.coverage > red.coverage > 0.0
    assert red.coverage + valve.coverage == pytest.approx(1.0)


def test_the_sentence_before_counts_for_a_pronoun() -> None:
    followed = hit("Rollo led the Norse. He died in Rouen.\n\nHe died in Paris.")
    _, rouen, paris = score("Where did Rollo die?", followed)
    assert rouen.score > paris.score


def test_headings_count_for_all_sentences_below() -> None:
    above, without = hit("It opened in 1889.", title="Tower"), hit("It opened in 1889.")
    [known], [unknown] = (score("When did the tower open?", one) for one in (above, without))
    assert known.score > unknown.score
    assert known.support > unknown.support
    assert known.coverage == unknown.coverage


def test_the_best_chunk_is_the_first_one_or_the_one_the_reranker_says() -> None:
    text = "The queue is full."
    first, second = score("Is the queue full?", hit(text), hit(text))
    assert first.score > second.score
    first, second = score("Is the queue full?", hit(text, rerank=0.6), hit(text, rerank=0.7))
    assert first.score < second.score


def test_scores_of_a_reranker_with_a_wide_scale_leave_a_chunk_its_chance() -> None:
    wide = [hit("The door is shut.", rerank=9.0), hit("The queue is full.", rerank=-9.0)]
    door, queue = score("Is the queue full?", *wide)
    assert queue.score > door.score


@pytest.mark.parametrize("question", ["", "What is it?", "???"])
def test_without_a_term_nothing_is_found(question: str) -> None:
    assert score(question, hit("The queue is full.")) == []


def test_without_sentences_nothing_is_found() -> None:
    assert score("Is the queue full?") == []
    assert score("Is the queue full?", hit("# Queue\n")) == []
