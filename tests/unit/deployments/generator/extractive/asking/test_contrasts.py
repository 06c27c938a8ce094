"""Which words exclude each other."""

import pytest

from deployments.generator.extractive.asking.contrasts import count_contrasts
from deployments.generator.extractive.reading.analysis import analyse_sentence


def contrasts(question: str, sentence: str) -> int:
    return count_contrasts(analyse_sentence(question).stems, analyse_sentence(sentence).stems)


@pytest.mark.parametrize(
    ("question", "sentence", "count"),
    [
        ("What is the least important question?", "It is the most important question.", 1),
        ("What happens before the start?", "After the start it waits.", 1),
        ("What happens on Tuesday?", "On Wednesday it is closed.", 1),
        ("What does the first law state?", "The second law states nothing.", 1),
        ("When was the takeover incomplete?", "The takeover was complete in 1769.", 1),
        ("What is a complete list?", "An incomplete list lacks a line.", 1),
        ("Is the first door open?", "The second door is closed.", 2),
        ("What is the largest queue?", "The biggest queue has 40 entries.", 0),
        ("What is the largest queue?", "The largest queue and the smallest one.", 0),
        ("What is the first and the last law?", "The first law is not the last.", 0),
        ("Who informed them?", "The form was lost.", 0),
        ("Which port is it?", "It was imported.", 0),
        ("", "", 0),
    ],
)
def test_opposites_are_counted_where_the_word_itself_is_missing(
    question: str, sentence: str, count: int
) -> None:
    assert contrasts(question, sentence) == count
