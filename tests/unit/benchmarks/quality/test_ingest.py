"""Documents of a data set on their way into an index."""

from collections.abc import Sequence

import pytest

from benchmarks.quality.datasets import CorpusDocument
from benchmarks.quality.ingest import id_of, index_documents, path_of, to_document
from benchmarks.quality.over_http import OverHttp
from benchmarks.quality.subject import NotMeasured
from deployments.contracts.documents import Document, IngestOutcome, Part


class Index(OverHttp):
    """Takes what has text, and remembers the sizes of the batches."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    async def add(self, documents: Sequence[Document]) -> list[IngestOutcome]:
        self.batches.append(len(documents))
        return [
            IngestOutcome(one.path, "added", one.id, 2)
            if one.parts[0].text
            else IngestOutcome(one.path, "failed", one.id, message="There is no text in it.")
            for one in documents
        ]


def test_document_says_its_data_set() -> None:
    document = to_document("set", CorpusDocument("7", "Title", "one\r\ntwo"))
    assert document.path == path_of("set", "7") == "set/7"
    assert document.id == id_of("set", "7") != id_of("other", "7")
    assert document.title == "Title"
    assert document.parts == (Part("one\ntwo"),)
    assert document.metadata == {"dataset": "set"}


def test_title_alone_and_one_that_is_too_long_become_text() -> None:
    assert to_document("set", CorpusDocument("1", "Title", " ")).parts == (Part("Title"),)
    long = to_document("set", CorpusDocument("1", "t" * 600, "text"))
    assert long.title == ""
    assert long.parts == (Part("t" * 600 + " text"),)


async def test_documents_come_in_batches_and_are_counted() -> None:
    index = Index()
    corpus = [CorpusDocument(str(number), "", "text") for number in range(150)]
    corpus.append(CorpusDocument("none", "", ""))
    indexed = await index_documents(index, "set", corpus)
    assert sum(index.batches) == 151
    assert max(index.batches) == 64
    assert indexed.to_json() == {
        "documents": 150,
        "chunks": 300,
        "not_indexed": {"set/none": "There is no text in it."},
    }


async def test_long_documents_travel_in_small_batches() -> None:
    index = Index()
    corpus = [CorpusDocument(str(number), "", "t" * 70_000) for number in range(5)]
    await index_documents(index, "set", corpus)
    assert sorted(index.batches) == [1, 2, 2]


async def test_data_set_without_any_text_is_an_error() -> None:
    with pytest.raises(NotMeasured, match="There is no text in it"):
        await index_documents(Index(), "set", [CorpusDocument("1", "", "")])
