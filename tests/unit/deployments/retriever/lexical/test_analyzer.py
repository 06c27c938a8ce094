"""What counts as a word."""

import pytest

pytest.importorskip("tantivy", reason="the library of the lexical index is not installed")

from deployments.retriever.lexical.analyzer import make_analyzer, whole_terms
from deployments.words.searchable import searchable


def words(text: str) -> list[str]:
    return make_analyzer().analyze(searchable(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The replicas' queues", ["the", "replica", "queue"]),
        ("max_batch_tokens=320", ["max", "batch", "token", "320"]),
        ("café, cafe\u0301 CAFÉ", ["cafe"] * 3),
        ("２５６ ﬁles", ["256", "file"]),
        ("東京 tower", ["東", "東京", "京", "tower"]),
        ("東京tower", ["東", "東京", "京", "tower"]),
        ("Мир", ["мир"]),
        ("\ud800 \0 🎉 …", []),
        ("closeAllHatches", ["closeallhatch", "close", "all", "hatch"]),
    ],
    ids=["endings", "names", "accents", "widths", "unspaced", "mixed", "cyrillic", "none", "camel"],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_an_endless_word_is_a_short_one_of_its_own() -> None:
    [one], [same], [other] = words("y" * 65), words("Y" * 65), words("y" * 66)
    assert one == same != other
    assert len(one) <= 64


def test_codes_of_several_parts_are_wholes_and_others_are_words() -> None:
    assert whole_terms("Valve QX-7-19 of v3.0.1, E4711 and mail to WHO.") == [
        *("qx-7-19", "3.0.1", "WHO"),
    ]
