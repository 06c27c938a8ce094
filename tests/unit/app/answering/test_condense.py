"""A search query from a conversation, by words alone."""

import pytest

from app.answering.condense import MAX_QUERY_CHARS, query_by_rule, stands_alone, usable_query
from deployments.contracts.generation import Message


def turns(*texts: str) -> list[Message]:
    """User and assistant in turn, the user first and last."""
    return [
        Message("user" if place % 2 == 0 else "assistant", text) for place, text in enumerate(texts)
    ]


@pytest.mark.parametrize(
    ("question", "alone"),
    [
        ("How does the ingress batch requests?", True),
        ("Which port does the dashboard listen on?", True),
        ("Why is a replica replaced after three failures?", True),
        ("How long does it take?", False),
        ("What is their default timeout in seconds?", False),
        ("And the retriever?", False),
        ("What about the reranker of the second release?", False),
        ("Why?", False),
        ("Wie lange?", False),
    ],
)
def test_which_questions_can_be_searched_for_as_they_are(question: str, alone: bool) -> None:
    assert stands_alone(question) is alone


def test_a_follow_up_brings_the_question_before_it() -> None:
    asked = turns("How do I ingest documents?", "With ragserve ingest.", "How long does it take?")
    assert query_by_rule(asked) == "How do I ingest documents? How long does it take?"


def test_a_new_subject_is_left_alone() -> None:
    asked = turns("How do I ingest?", "So.", "Which port does the dashboard listen on?")
    assert query_by_rule(asked) == "Which port does the dashboard listen on?"


def test_the_first_question_is_left_alone() -> None:
    assert query_by_rule(turns("How long does it take?")) == "How long does it take?"


def test_a_query_is_never_longer_than_a_question_may_be() -> None:
    query = query_by_rule(turns("long " * 3000, "Yes.", "How is it done?"))
    assert len(query) == MAX_QUERY_CHARS
    assert query.endswith("How is it done?")


@pytest.mark.parametrize(
    ("written", "query"),
    [
        ("ingest duration", "ingest duration"),
        ('\n  "ingest duration"\nBecause...', "ingest duration"),
        ("", None),
        ("\n\n", None),
        ("...", None),
        ("word " * 200, None),
    ],
    ids=["plain", "quoted", "empty", "blank", "no-word", "rambling"],
)
def test_what_a_model_wrote_is_taken_only_when_it_is_a_query(
    written: str, query: str | None
) -> None:
    assert usable_query(written) == query
