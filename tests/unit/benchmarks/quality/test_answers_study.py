"""Figures of answers to questions of which everything is known."""

from typing import Any

from benchmarks.quality.answers_study import judge
from benchmarks.quality.datasets import JudgedQuestion
from benchmarks.quality.report import answers_notes, types_table
from benchmarks.quality.subject import Answered

UNKNOWN = "I have no information."


def asked(*answers: str, answerable: bool = True, long_answer: str = "") -> JudgedQuestion:
    return JudgedQuestion("id", "why?", answers, long_answer, answerable)


def said(
    text: str, *, cited: str = "", answerability: float | None = None, **signals: float
) -> Answered:
    return Answered(text, text != UNKNOWN, (cited,) if cited else (), answerability, signals)


def values(figures: dict[str, Any], *names: str) -> list[float]:
    return [figures[name]["value"] for name in names]


QUESTIONS = [
    asked("1889"),
    asked("Paris"),
    asked("iron"),
    asked(answerable=False),
    asked(answerable=False),
]


def test_right_wrong_and_refused_answers_are_told_apart() -> None:
    answers = [
        said("It opened in 1889. [1]", cited="Tower\nIt opened in 1889."),
        said("In France. [1] By the river. [2]", cited="It is in Paris."),
        said(UNKNOWN),
        said("In 1900. [1]", cited="In 1900."),
        said(UNKNOWN),
    ]
    figures = judge(QUESTIONS, answers, seed=1)
    assert values(figures, "gold_in_answer", "gold_in_cited") == [0.3333, 0.6667]
    assert values(figures, "coverage", "risk") == [0.6667, 0.6667]
    assert values(figures, "answered_near_misses", "sentences") == [0.5, 1.3333]
    assert figures["answered"] == 3
    assert "token_recall" not in figures


def test_number_of_a_source_is_not_taken_for_the_answer() -> None:
    figures = judge([asked("1")], [said("It is two. [1]", cited="It is two.")], seed=1)
    assert values(figures, "gold_in_answer", "gold_in_cited") == [0.0, 0.0]


def test_answerability_tells_what_can_be_answered() -> None:
    estimates = [0.9, 0.8, 0.3, 0.4, 0.1]
    answers = [said("In 1889.", answerability=one, score=0.5) for one in estimates]
    figures = judge(QUESTIONS, answers, seed=1)
    assert figures["auroc"]["answerability"]["value"] == 0.8333
    assert figures["auroc"]["score"]["value"] == 0.5
    assert figures["missing"] == []
    assert figures["curve"]["by"] == "answerability"
    assert figures["curve"]["points"][-1] == {"threshold": 0.9, "coverage": 0.3333, "risk": 0.0}


def test_missing_answerability_is_said_and_others_take_its_place() -> None:
    figures = judge(QUESTIONS, [said("Yes.", score=0.2, dense=0.4)] * 5, seed=1)
    assert figures["missing"] == ["answerability"]
    assert set(figures["auroc"]) == {"grounded", "score", "dense"}
    assert figures["curve"]["by"] == "dense"
    assert any("No answer has `answerability`" in note for note in _notes(figures))


def test_questions_of_one_kind_have_no_auroc() -> None:
    figures = judge([asked("1889")], [said("In 1889.")], seed=1)
    assert "auroc" not in figures
    assert any("of one kind" in note for note in _notes(figures))


def test_long_answer_is_measured_by_its_words() -> None:
    question = asked(long_answer="Dogs are safe and effective")
    figures = judge([question], [said("Dogs are effective. [1]")], seed=1)
    assert values(figures, "token_recall") == [0.6]
    assert "gold_in_answer" not in figures
    assert "risk" not in figures
    assert any("no short gold answers" in note for note in _notes(figures))


def _notes(figures: dict[str, Any]) -> list[str]:
    return answers_notes({"not_indexed": {}, **figures})


def test_refusing_is_told_by_type_of_question() -> None:
    texts = ["Who left in 1905?", "Who left in 1906?", "Who did not sign?", "Who signed?"]
    questions = [
        JudgedQuestion(str(place), text, ("Ann",) * (place != 1), "", place != 1)
        for place, text in enumerate(texts)
    ]
    answers = [
        said("Ann. [1]", answerability=0.9),
        said("Ann. [1]", answerability=0.4),
        said(UNKNOWN, answerability=0.1),
        said("Ann. [1]", answerability=0.8),
    ]
    figures = judge(questions, answers, seed=1)["by_type"]
    assert list(figures) == ["numbers", "negated", "rest"]
    assert values(figures["numbers"], "coverage", "answered_near_misses", "auroc") == [1, 1, 1]
    assert values(figures["negated"], "coverage", "gold_in_answer") == [0, 0]
    assert "auroc" not in figures["rest"]
    table = types_table("small", {"by_type": figures})
    assert table.row_count == 3
