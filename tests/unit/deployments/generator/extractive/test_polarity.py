"""Whether a sentence says yes or no."""

import pytest

from deployments.contracts.documents import Chunk
from deployments.contracts.search import ScoredChunk
from deployments.generator.extractive.polarity import asks_yes_or_no, head_of
from deployments.generator.extractive.reading.analysis import analyse_sentence
from deployments.generator.extractive.sentence_scoring import score_sentences


def head(question: str, sentence: str) -> str | None:
    asked = analyse_sentence(question)
    context = [ScoredChunk(Chunk("c", "d", 0, sentence, "harbour.md", ""), 1.0, 1)]
    return head_of(asked, max(score_sentences(asked, context), key=lambda one: one.score))


@pytest.mark.parametrize(
    ("question", "sentence", "said"),
    [
        ("Is the north gate open?", "The north gate is open.", "Yes"),
        ("Is the north gate open?", "The north gate is not open.", "No"),
        ("Is the north gate open?", "The north gate is closed.", "No"),
        ("Can I use the crane at night?", "You cannot use the crane at night.", "No"),
        ("Does the ferry take bikes?", "The ferry takes bikes, not just people.", "Yes"),
        (
            "May I land nets with ropes?",
            "You may land ropes, but you cannot land nets with ropes.",
            "No",
        ),
        ("Is the lamp on by default?", "The lamp is off by default.", "No"),
        ("Is the north gate open?", "No, the north gate is under repair.", None),
        ("Which gate is open?", "The north gate is open.", None),
        ("Is the gate open or closed?", "The gate is closed.", None),
        ("Does the ferry to the island take large dogs in summer?", "The ferry is red.", None),
    ],
)
def test_yes_and_no_are_read_from_the_deciding_clause(
    question: str, sentence: str, said: str | None
) -> None:
    assert head(question, sentence) == said


def test_choice_asks_for_no_yes() -> None:
    assert asks_yes_or_no(analyse_sentence("Is it open?"))
    assert not asks_yes_or_no(analyse_sentence("Is it open or closed?"))
