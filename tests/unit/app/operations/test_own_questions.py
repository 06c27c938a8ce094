"""Questions made from chunks: words of the chunk in their order, none that says nothing."""

from app.operations.own_questions import own_questions
from deployments.contracts.documents import Chunk
from deployments.stop_words import STOP_WORDS

TEXTS = [
    "# Queues\n\nWhen the queue of the embedder is full, the service answers with status 503.",
    "The **rollout controller** compares latency, errors and token counts of both releases.",
]


def chunk(text: str) -> Chunk:
    return Chunk("d-00000", "d", 0, text, "d.md", "")


def test_a_question_is_content_words_in_their_order() -> None:
    for text in TEXTS:
        [question] = own_questions([chunk(text)])
        words = question.split()
        assert 3 <= len(words) <= 4
        assert not {word.lower() for word in words} & STOP_WORDS
        places = [text.index(word) for word in words]
        assert places == sorted(places)


def test_marks_of_the_text_are_left_out() -> None:
    questions = {own_questions([chunk(TEXTS[1])] * count)[-1] for count in range(1, 30)}
    assert len(questions) > 2, "another draw for every chunk"
    assert not any(mark in question for question in questions for mark in "*,.")


def test_the_same_chunks_give_the_same_questions() -> None:
    chunks = [chunk(text) for text in TEXTS * 5]
    assert own_questions(chunks) == own_questions(chunks)


def test_what_has_no_sentence_gives_no_question() -> None:
    short = ["", "Too short.", "a b c d e f g h", "word " * 60, "| 1 | 2 | 3 | 4 | 5 | 6 |"]
    made = own_questions([chunk(text) for text in [*short[:4], TEXTS[0]]])
    assert len(made) == 2, "one-letter words that are no stop words count"
    assert own_questions([chunk(text) for text in short[:2]]) == []
