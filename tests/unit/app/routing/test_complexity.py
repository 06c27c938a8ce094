"""How much a question asks for."""

import pytest

from app.routing.complexity import complexity_of
from tests.linear_time import assert_linear


@pytest.mark.parametrize(
    ("question", "complexity"),
    [
        ("", "simple"),
        ("What is the capital of France?", "simple"),
        ("Wie lang gilt ein Schlüssel?", "simple"),
        ("キューが満杯になるとどうなりますか？", "simple"),
        ("Why is the sky blue?", "medium"),
        ("Where is it? Who has it?", "medium"),
        ("```python\nprint(1)\n```", "medium"),
        ("word " * 30, "medium"),
        ("word " * 100, "complex"),
        ("字" * 600, "complex"),
        ("Compare both plans, explain the trade-offs. Which is cheaper? For whom?", "complex"),
    ],
)
def test_a_question_is_as_complex_as_its_words(question: str, complexity: str) -> None:
    assert complexity_of(question, turns=1) == complexity


def test_a_long_conversation_asks_for_more() -> None:
    assert complexity_of("And then?", turns=6) == "medium"


def test_the_judgement_takes_no_longer_for_a_book() -> None:
    small, large = "pros and " * 400_000, "pros and " * 800_000
    assert complexity_of(large, turns=1) == "complex"
    assert_linear(lambda: complexity_of(small, turns=1), lambda: complexity_of(large, turns=1))
