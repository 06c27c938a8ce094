"""Texts that are scored in memory, against tantivy."""

import pytest

pytest.importorskip("tantivy", reason="the library of the lexical index is not installed")

from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.retriever.lexical.pending import Corpus, PendingView, PendingWords
from deployments.retriever.lexical.queries import Questions, rarity
from deployments.retriever.lexical.texts import LexicalIndex

WORDS = ("harbour", "ship", "ships", "AB-12-34", "the", "IT", "it", "C++", "naïve", "船")
texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=70).map(" ".join)
QUESTIONS = ("ship harbour", "AB-12-34", '"ship harbour" it', "the", "IT", "C++ naive 船", "no", "")


def view_of(*contents: str) -> PendingView:
    words = PendingWords()
    for number, content in enumerate(contents):
        words.add(number, content)
    return words.commit()


def scores(view: PendingView, question: str) -> dict[int, float]:
    class Statistics:
        num_docs = len(view)
        doc_freq = staticmethod(view.doc_freq)

    asked = Questions().read(question, Statistics())
    corpus = Corpus(lambda word: rarity(view.doc_freq("words", word), len(view)), None)
    return dict(view.find(asked, corpus))


@settings(max_examples=25, deadline=None)
@given(st.lists(texts, min_size=1, max_size=8))
def test_scores_are_tantivy_s(contents: list[str]) -> None:
    """With texts of every length, since one byte keeps how long a text is."""
    contents = [*contents, "ship " * 700]
    index = LexicalIndex(writer_bytes=15_000_000)
    for number, content in enumerate(contents):
        index.add(number, content)
    lexical = index.commit()
    view = view_of(*contents)
    for question in QUESTIONS:
        assert scores(view, question) == {
            number: pytest.approx(score, abs=2e-4, rel=1e-4)
            for number, score in lexical.search(question, 1000)
        }


def test_views_stay_as_they_were() -> None:
    words = PendingWords()
    words.add(1, "ship")
    former = words.commit()
    words.remove([1])
    words.add(2, "ship ship")
    latter = words.commit()
    assert (scores(former, "ship").keys(), scores(latter, "ship").keys()) == ({1}, {2})
    assert (former.doc_freq("words", "ship"), len(former), len(latter)) == (1, 1, 1)
    assert len(PendingWords().commit()) == 0
