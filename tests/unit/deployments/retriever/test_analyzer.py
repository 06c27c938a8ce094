"""What counts as a word."""

import pytest

pytest.importorskip("tantivy", reason="the library of the lexical index is not installed")

from deployments.retriever.analyzer import make_analyzer, normalized


def words(text: str) -> list[str]:
    return make_analyzer().analyze(normalized(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The replicas' queues", ["the", "replica", "queue"]),
        ("max_batch_tokens=320", ["max", "batch", "token", "320"]),
        ("café, cafe\u0301 CAFÉ", ["cafe"] * 3),
        ("２５６ ﬁles", ["256", "file"]),
        ("東京 tower", ["東", "京", "tower"]),
        ("東京tower", ["東", "京", "tower"]),
        ("Мир", ["мир"]),
        ("\ud800 \0 🎉 …", []),
        ("y" * 65, []),
    ],
    ids=["endings", "names", "accents", "widths", "unspaced", "mixed", "cyrillic", "none", "long"],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected
