"""What a question names comes first."""

from app.answering.naming import prefer_named
from deployments.contracts.documents import Chunk
from deployments.contracts.search import ScoredChunk


def hits(*texts: str, path: str = "") -> list[ScoredChunk]:
    return [
        ScoredChunk(Chunk(str(place), str(place), 0, text, path or f"{place}.md", ""), score, rank)
        for rank, (place, text) in enumerate(enumerate(texts), start=1)
        for score in [1.0 - place / 10]
    ]


def order(question: str, *texts: str) -> list[str]:
    found = prefer_named(question, hits(*texts))
    assert [hit.rank for hit in found] == list(range(1, len(found) + 1))
    assert [hit.score for hit in found] == sorted((hit.score for hit in found), reverse=True)
    return [hit.chunk.id for hit in found]


def test_without_names_nothing_changes() -> None:
    found = hits("a cat", "a dog")
    assert prefer_named("What is a dog?", found) == found


def test_the_very_code_comes_first() -> None:
    assert (
        order("What is QZ-4-88?", "QZ-88-4 is tin", "4-QZ-88 is lead", "QZ-4-88 is zinc")[0] == "2"
    )


def test_a_quoted_phrase_comes_first() -> None:
    assert order('Where is "the red lamp"?', "the lamp is red", "on the red lamp")[0] == "1"


def test_a_path_names_what_its_text_does_not() -> None:
    plain, named = hits("It opens the gate.", "It shuts the gate.")
    named = ScoredChunk(
        Chunk("n", "n", 0, "It shuts the gate.", "notes/v4.0.9.md", ""), 0.1, named.rank
    )
    assert prefer_named("What does release 4.0.9 do?", [plain, named])[0].chunk.id == "n"


RECORD = "Order {} for the cook in the east house over {} crowns was paid by the cook on a Monday."


def test_of_records_the_one_with_the_number_comes_first_and_others_keep_their_places() -> None:
    texts = (RECORD.format(41, 7), "An order of knights.", RECORD.format(42, 9))
    assert order("How much was order 42?", *texts) == ["2", "1", "0"]


def test_a_number_moves_nothing_that_has_another_form() -> None:
    assert order("What opened in 1931?", "The hall opened.", "In 1931 it rained.") == ["0", "1"]
