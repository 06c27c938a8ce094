"""What is said of a question in another language than the documents."""

import pytest

from deployments.contracts.documents import Chunk
from deployments.contracts.search import ScoredChunk
from deployments.generator.extractive.asking.languages import missing_language

ENGLISH = "The winch is on the deck, and it can be used with a rope of the ferry."
GERMAN = "Die Winde ist auf dem Deck und wird mit einem Seil der Fähre benutzt."


def context(*texts: str) -> list[ScoredChunk]:
    return [
        ScoredChunk(Chunk(str(place), "d", place, text, "a.md", ""), 1.0, place + 1)
        for place, text in enumerate(texts)
    ]


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("Wie kann ich die Winde benutzen?", "German"),
        ("Comment puis-je utiliser le treuil ?", "French"),
        ("¿Cómo puedo usar el cabrestante?", "Spanish"),
        ("如何使用绞车？", "Chinese"),
        ("Как пользоваться лебёдкой?", "Russian"),
    ],
)
def test_language_without_passages_is_named(question: str, language: str) -> None:
    assert f"The question is in {language}," in missing_language(question, context(ENGLISH))
    assert f"The question is in {language}: ask" in missing_language(question, [])


def test_nothing_is_said_where_a_passage_is_in_that_language() -> None:
    assert missing_language("Wie kann ich die Winde benutzen?", context(ENGLISH, GERMAN)) == ""


@pytest.mark.parametrize("question", ["How can I use the winch?", "winch", "", "e.g. die"])
def test_nothing_is_said_of_english_or_of_what_cannot_be_told(question: str) -> None:
    assert missing_language(question, context(GERMAN)) == ""
