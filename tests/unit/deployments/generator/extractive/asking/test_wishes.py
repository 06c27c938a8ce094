"""In what form a question wants its answer."""

import pytest

from deployments.generator.extractive.asking.wishes import wish_of
from deployments.generator.extractive.reading.analysis import analyse_sentence


@pytest.mark.parametrize(
    ("question", "form"),
    [
        ("Show me a lease in YAML", "example"),
        ("Give me an example of a lease.", "example"),
        ("What does a lease look like?", "example"),
        ("Example of a lease", "example"),
        ("Which flags does the winch take?", "list"),
        ("What command line options are there?", "list"),
        ("List the harbours.", "list"),
        ("How do I lower the anchor?", "steps"),
        ("how to lower the anchor", "steps"),
        ("What is a lease?", "sentence"),
        ("Why is the anchor lowered?", "sentence"),
        ("How many berths are there?", "sentence"),
        ("Which harbour has a crane?", "sentence"),
        ("", "sentence"),
    ],
)
def test_form_is_read_from_the_words_of_a_question(question: str, form: str) -> None:
    assert wish_of(analyse_sentence(question)).form == form


def test_words_that_ask_for_a_form_are_looked_for_nowhere() -> None:
    asked = analyse_sentence("Show me an example of a lease in YAML")
    wish = wish_of(asked)
    assert asked.terms - wish.form_terms == {"leas"}
    assert wish.languages == {"yaml", "yml"}


def test_question_of_nothing_but_its_form_keeps_its_words() -> None:
    asked = analyse_sentence("Show me a YAML example")
    assert asked.terms - wish_of(asked).form_terms
