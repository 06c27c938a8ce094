"""Which kind of answer a question asks for, and which sentence has one."""

import pytest

from deployments.generator.extractive.asking.answer_types import AnswerType, expected_type, offers
from deployments.generator.extractive.reading.analysis import analyse_sentence


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How many entries does a queue hold?", "number"),
        ("How much memory is needed?", "number"),
        ("What percentage is refused?", "number"),
        ("When did it open?", "time"),
        ("In which year did it open?", "time"),
        ("Who built it?", "name"),
        ("By whom was it built?", "name"),
        ("In what country is it?", "name"),
        ("Why is it closed?", "reason"),
        ("What is a queue?", None),
        ("How is a queue emptied?", None),
        ("Does the whole of it open?", None),
        ("", None),
    ],
)
def test_the_words_of_a_question_say_what_is_asked_for(
    question: str, kind: AnswerType | None
) -> None:
    assert expected_type(analyse_sentence(question)) == kind


@pytest.mark.parametrize(
    ("kind", "sentence", "expected"),
    [
        ("number", "A queue holds 40 entries.", True),
        ("number", "A queue holds forty entries.", True),
        ("number", "A queue holds entries in 2016.", False),
        ("time", "The tower opened in March.", True),
        ("time", "The tower opened in 1889.", True),
        ("time", "It rolls back when a metric gets worse.", True),
        ("time", "The tower opened in 2016.", False),
        ("name", "The tower was built by Gustave.", True),
        ("name", "Gustave built the tower.", True),
        ("name", "It was built near Paris by workers.", False),
        ("reason", "It is closed because of the wind.", True),
        ("reason", "It is closed.", False),
    ],
)
def test_what_the_question_brought_is_no_answer(
    kind: AnswerType, sentence: str, expected: bool
) -> None:
    question = analyse_sentence("In 2016, what was it like in Paris?")
    assert offers(kind, analyse_sentence(sentence), question) is expected
