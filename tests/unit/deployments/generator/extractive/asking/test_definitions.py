"""Sentences that say what something is."""

import pytest

from deployments.generator.extractive.asking.definitions import asked_term, defines
from deployments.generator.extractive.reading.analysis import analyse_sentence


@pytest.mark.parametrize(
    ("question", "terms"),
    [
        ("What is a lease?", {"leas"}),
        ("What are the tide tables?", {"tide", "tabl"}),
        ("What does VHF mean?", {"vhf"}),
        ("What is the depth of the harbour?", {"depth"}),
        ("What is the best way to the north gate from town?", None),
        ("Which lease is it?", None),
        ("What is it?", None),
    ],
)
def test_what_is_to_be_defined_is_read_from_the_question(
    question: str, terms: set[str] | None
) -> None:
    found = asked_term(analyse_sentence(question))
    assert (None if found is None else found.terms) == terms


@pytest.mark.parametrize(
    ("sentence", "says"),
    [
        ("A lease is a contract for a berth.", True),
        ("A lease names a berth.", True),
        ("Leases (or hires) are contracts.", True),
        ("The lease ended.", False),
        ("Whoever has a lease is welcome.", False),
        ("A berth is free.", False),
    ],
)
def test_sentence_defines_what_it_begins_with(sentence: str, says: bool) -> None:
    assert defines(analyse_sentence(sentence), analyse_sentence("lease")) is says
