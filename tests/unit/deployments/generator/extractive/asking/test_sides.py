"""Questions of several parts."""

import pytest

from deployments.generator.extractive.asking.sides import parts_of, sides_of
from deployments.generator.extractive.reading.analysis import analyse_sentence


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("What is a lease?", ["What is a lease?"]),
        ("What is a lease? How long is it?", ["What is a lease?", "How long is it?"]),
        (
            "What is a lease, and how do I end one?",
            ["What is a lease", "how do I end one?"],
        ),
        ("Tell me of bread, cheese and wine.", ["Tell me of bread, cheese and wine."]),
        ("What do bread and cheese cost?", ["What do bread and cheese cost?"]),
        ("What? Why?", ["What? Why?"]),
        ("", [""]),
    ],
)
def test_questions_in_one_are_taken_apart(question: str, parts: list[str]) -> None:
    assert parts_of(question) == parts


@pytest.mark.parametrize(
    "question",
    [
        "What is the difference between a ketch and a sloop?",
        "How does a ketch differ from a sloop?",
        "How do a ketch and a sloop differ?",
        "ketch versus sloop",
        "Is a ketch or a sloop faster?",
        "Compare a ketch with a sloop",
    ],
)
def test_two_sides_of_a_comparison_are_found(question: str) -> None:
    assert sides_of(analyse_sentence(question)) == ({"ketch"}, {"sloop"})


@pytest.mark.parametrize("question", ["What is a ketch?", "What is the difference?"])
def test_other_questions_compare_nothing(question: str) -> None:
    assert sides_of(analyse_sentence(question)) is None
