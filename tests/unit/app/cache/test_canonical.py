"""What makes two questions equal, and what must not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cache.canonical import canonical
from tests.linear_time import assert_linear

EQUAL = [
    ("What is the capital of France?", "what is the capital of france"),
    ("What is the capital of France?", "WHAT IS THE CAPITAL OF FRANCE"),
    ("What is the capital of France?", "  What is\tthe  capital of France ? "),
    ("What is the capital of France?", "What's the capital of France?!"),
    ("What is the capital of France?", "what’s the capital of France"),
    ("What is the capital of France?", "What is capital of France."),
    ("What is the capital of France?", "Hello, what is the capital of France?"),
    ("What is the capital of France?", "hi there what is the capital of france"),
    ("What is the capital of France?", "Please, what is the capital of France?"),
    ("What is the capital of France?", "What is the capital of France, please?"),
    ("What is the capital of France?", "what is the capital of France please"),
    ("What is the capital of France?", "What is the capital of France? Thanks!"),
    ("What is the capital of France?", "Thank you, what is the capital of France?"),
    ("What is the capital of France?", "Can you tell me what is the capital of France?"),
    ("What is the capital of France?", "Hello! Could you please tell me, what is the capital of "
     "France? Thanks in advance."),
    ("What is the capital of France?", "I want to know what is the capital of France"),
    ("What is the capital of France?", "What Is The Capital Of France?"),
    ("What is a queue?", "What Is A Queue?"),
    ("What is a queue?", "WHAT IS A QUEUE"),
    ('What does "foo" do?', "What does foo do?"),
    ("What does “foo” do?", "What does 'foo' do?"),
    ("What does foo (bar) do?", "What does foo bar do?"),
    ("It isn't there, why?", "it is not there why"),
    ("Why can't I log in?", "Why cannot I log in?"),
    ("Why don't they come?", "Why do not they come"),
    ("What is ﬁne?", "What is fine?"),
    ("What is ＡＢＣ?", "what is abc"),
    ("What is vitamin A deficiency?", "what is vitamin a deficiency"),
]  # fmt: skip

DIFFERENT = [
    ("made to British order", "made from British order"),
    ("from a bunker to the firebox", "from the firebox to a bunker"),
    ("What was WWI?", "What was WWII?"),
    ("What is 1+1?", "What is 21+1?"),
    ("What is C#?", "What is C?"),
    ("What is C++?", "What is C?"),
    ("What is .NET?", "What is NET?"),
    ("What is F#?", "What is F?"),
    ("What is -5 plus 3?", "What is 5 plus 3?"),
    ("What is 5!?", "What is 5?"),
    ("What is 5%?", "What is 5?"),
    ("What is $5?", "What is 5?"),
    ("What is 2⁵?", "What is 25?"),
    ("What is 1½?", "What is 11/2?"),
    ("What is x²?", "What is x2?"),
    ("How tall is 6'?", "How tall is 6?"),
    ('How wide is 6"?', "How wide is 6?"),
    ("What does --force do?", "What does force do?"),
    ("What does -v do?", "What does v do?"),
    ("What is *args?", "What is **args?"),
    ("What is __init__?", "What is init?"),
    ("What is std::?", "What is std?"),
    ("What is @property?", "What is property?"),
    ("What is vitamin A?", "What is vitamin?"),
    ("What is hepatitis A?", "What is hepatitis B?"),
    ("What is vitamin a deficiency?", "What is vitamin deficiency?"),
    ("Is A larger than B?", "Is larger than B?"),
    ("What could be Islamic?", "What could not be Islamic?"),
    ("Is it there?", "Isn't it there?"),
    ("one file", "one files"),
    ("What is a queue?", "What are queues?"),
    ("How do I say thanks?", "How do I say please?"),
    ("How do I say thank you in French?", "How do I say in French?"),
    ("What is the French word for please?", "What is the French word for thanks?"),
    ("Hello Kitty is whose?", "Kitty is whose?"),
    ("Who is at home at 5?", "Who is at home at 6?"),
    ("France's capital", "France capital"),
    ("def f():\n  return 1", "def f():\n return 1"),
    ("A\nB", "A B"),
]


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_form_alone_makes_no_other_question(one: str, other: str) -> None:
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_is_asked_stays(one: str, other: str) -> None:
    assert canonical(one) != canonical(other)


@pytest.mark.parametrize("text", ["Thanks!", "Hello", "please", "A", "The", "?", "Hi. Thanks. Hi."])
def test_nothing_is_left_of_nothing(text: str) -> None:
    assert canonical(text)


def test_light_changes_case_and_white_space_alone() -> None:
    assert canonical("Was  ist DAS?", "light") == canonical("was ist das?", "light")
    assert canonical("Was ist das?", "light") != canonical("Was ist das", "light")
    assert canonical("Is the end?", "light") != canonical("Is end?", "light")


def test_a_long_text_counts_as_it_stands() -> None:
    text = "Word " * 300
    assert canonical(text) == text


@given(st.text(max_size=80))
def test_no_text_becomes_empty(text: str) -> None:
    assert bool(canonical(text).strip()) == bool(text.strip())


@given(
    st.lists(
        st.sampled_from(
            ["what", "is", "a", "the", "queue", "an", "of", "please", "hello", "vitamin", "5"]
        )
    )
)
def test_case_never_counts(words: list[str]) -> None:
    asked = " ".join(words)
    assert canonical(asked.upper()) == canonical(asked)


@pytest.mark.parametrize("piece", ["!", "please ", "a. ", "hi ", "thanks, ", "'", "x -"])
def test_the_time_is_linear(piece: str) -> None:
    text = piece * 1_000
    assert_linear(lambda: canonical(text[:450]), lambda: canonical(text[:900]))
