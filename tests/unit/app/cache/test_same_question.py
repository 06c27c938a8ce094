"""Which questions ask the same in other words, and which only look like it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cache.canonical import canonical
from app.cache.same_question import ask_the_same, form_of
from tests.linear_time import assert_linear

SAME = {
    "case": ("Where is the queue?", "WHERE IS THE QUEUE"),
    "punctuation": ("Where is the queue?", "where is the queue ..."),
    "greeting": ("Where is the queue?", "Hello! Where is the queue? Thanks!"),
    "indirect": (
        "What is the capital of France?",
        "Can you tell me what the capital of France is?",
    ),
    "indirect past": ("Who was the king?", "I want to know who the king was"),
    "indirect do": ("How does the queue work?", "Could you explain how the queue works?"),
    "indirect do, plural": ("How do queues work?", "Explain to me how queues work"),
    "indirect do, es": ("Why does it crash?", "I wonder why it crashes"),
    "indirect do, ies": ("How does it retry a call?", "explain how it retries a call"),
    "indirect modal": ("When can I leave?", "Do you know when I can leave?"),
    "lead": ("What is a replica?", "Okay, so what is a replica?"),
    "how to": ("How do I restart a replica?", "How to restart a replica?"),
    "how can": ("How do I restart a replica?", "how can i restart a replica"),
    "where to": ("Where can I find the logs?", "Where do I find the logs?"),
    "which": ("Which city is the capital?", "What city is the capital?"),
    "in which": ("In which year was it founded?", "In what year was it founded?"),
    "number of is": ("What is the limits?", "What are the limits?"),
    "stress": ("What exactly is a replica?", "What is a replica exactly?"),
    "hyphen": ("What is a read-only key?", "What is a read only key?"),
    "e-mail": ("Where is my e-mail?", "Where is my email?"),
    "British": ("What is the colour of the centre?", "What is the color of the center?"),
    "ise": ("How to optimise the organisation?", "How to optimize the organization?"),
    "thousands": ("What costs 1,000 dollars?", "What costs 1000 dollars?"),
    "percent": ("Why is 5% missing?", "Why is 5 percent missing?"),
    "anybody": ("Can anybody read it?", "Can anyone read it?"),
}

OTHER = {
    "number": ("What is 1+1?", "What is 21+1?"),
    "number of a name": ("What is on 17p13.1?", "What is on 16p13.3?"),
    "year": ("Who won in 1990?", "Who won in 1991?"),
    "decade": ("How does the 1990 model run?", "How the 1990s model run"),
    "number as a word": ("What are the two rules?", "What are the three rules?"),
    "percent or points": ("Why is 5% missing?", "Why is 5 missing?"),
    "decimal": ("What is 1,5 of it?", "What is 15 of it?"),
    "unit": ("How many km is it?", "How many miles is it?"),
    "unit, small": ("Is 5 mg enough?", "Is 5 g enough?"),
    "negation": ("What could be Islamic?", "What could not be Islamic?"),
    "contracted negation": ("Why does it work?", "Why doesn't it work?"),
    "without": ("How do I deploy with Redis?", "How do I deploy without Redis?"),
    "never": ("When is it used?", "When is it never used?"),
    "prefix": ("What is a linear model?", "What is a non-linear model?"),
    "name": ("Who is Marie Curie?", "Who is Pierre Curie?"),
    "roman": ("What was WWI?", "What was WWII?"),
    "plural of a name": ("Who are the Smiths?", "Who are the Smith?"),
    "subject": ("What are the symptoms of asthma?", "What are the symptoms of anemia?"),
    "aspect": ("What are the causes of asthma?", "What are the symptoms of asthma?"),
    "opposite": ("Why is it too slow?", "Why is it too fast?"),
    "question word": ("When was it built?", "Where was it built?"),
    "what for who": ("What is Curie?", "Who is Curie?"),
    "why for how": ("How does the queue work?", "Why does the queue work?"),
    "how many for how much": ("How many are left?", "How much is left?"),
    "yes or no": ("Is the queue full?", "When is the queue full?"),
    "tense": ("Who is the president?", "Who was the president?"),
    "past do": ("How does it work?", "How did it work?"),
    "modal": ("Can I leave?", "Should I leave?"),
    "who does what": ("Who did Brutus kill?", "Who killed Brutus?"),
    "order": ("Is A before B?", "Is B before A?"),
    "later": ("discovered by Black, later by Watt", "discovered by Watt, later by Black"),
    "subject of do": ("What does a cat eat?", "What eats a cat?"),
    "owner": ("Which servers do clients have?", "Which servers have clients?"),
    "preposition": ("Was it made to British order?", "Was it made from British order?"),
    "direction": ("From the bunker to the firebox?", "From the firebox to the bunker?"),
    "what it does": ("What is MLflow?", "What does MLflow do?"),
    "who is asked": ("How do you work?", "How to work?"),
    "superlative": ("Which is the largest city?", "Which is the second largest city?"),
    "more words": ("What is a replica?", "What is a replica group?"),
    "exactly": ("How do I match exactly?", "How do I match?"),
    "exactly so many": ("How to match exactly 5 digits?", "How to match 5 digits?"),
    "typo": ("What is a replica?", "What is a replca?"),
    "synonym": ("How do I start it?", "How do I launch it?"),
    "C#": ("What is C#?", "What is C?"),
    "plural": ("What does a file hold?", "What does a files hold?"),
}


def same(one: str, other: str) -> bool:
    first, second = form_of(one), form_of(other)
    assert first is not None
    assert second is not None
    found = ask_the_same(first, second)
    assert found == ask_the_same(second, first)
    return found


@pytest.mark.parametrize("kind", SAME)
def test_a_change_of_form_changes_nothing(kind: str) -> None:
    one, other = SAME[kind]
    assert same(one, other)
    first, second = form_of(one), form_of(other)
    assert first is not None
    assert second is not None
    assert first.kin() == second.kin(), "it would not be looked for"


@pytest.mark.parametrize("kind", OTHER)
def test_a_near_miss_is_another_question(kind: str) -> None:
    assert not same(*OTHER[kind])


@pytest.mark.parametrize("text", ["Why?\nBecause.", "word " * 61, "is", "Does"])
def test_what_is_no_short_question_has_no_form_or_is_itself(text: str) -> None:
    form = form_of(text)
    assert form is None or form.words


_WORDS = st.sampled_from(
    """what which how why where is are was does do can not no never 5 1,000 7% 1990 17p13.1 km miles
    works work have has email e-mail colour color exactly i to of from read-only Paris which's it's
    explain so the a please organise 1990s""".split()  # noqa: SIM905
)


@given(st.lists(_WORDS, min_size=1, max_size=8), st.lists(_WORDS, min_size=1, max_size=8))
def test_numbers_and_negations_are_those_of_both(one: list[str], other: list[str]) -> None:
    first, second = form_of(" ".join(one)), form_of(" ".join(other))
    if first is None or second is None or not ask_the_same(first, second):
        return
    assert _counting(one) == _counting(other)


def _counting(words: list[str]) -> list[str]:
    plain = canonical(" ".join(words)).replace(",", "").replace("%", "").split()
    return [word for word in plain if re.search(r"\d", word) or word in ("not", "no", "never")]


@given(st.text(max_size=60))
def test_every_question_is_the_same_as_itself(text: str) -> None:
    form = form_of(text)
    assert form is None or ask_the_same(form, form)


def test_the_time_is_linear() -> None:
    text = "which-is so "
    assert_linear(
        lambda: [form_of(text * 8) for _ in range(200)],
        lambda: [form_of(text * 16) for _ in range(200)],
    )
