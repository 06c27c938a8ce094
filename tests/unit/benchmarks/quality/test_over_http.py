"""A service over HTTP: the real application over doubles, behind a real socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from benchmarks.quality.datasets import CorpusDocument
from benchmarks.quality.deployed import DEFAULT_CONFIG
from benchmarks.quality.ingest import id_of, index_documents
from benchmarks.quality.measuring import measure
from benchmarks.quality.over_http import OverHttp
from benchmarks.quality.subject import Asked, NotMeasured, NotNow, Subject
from benchmarks.quality.way import Tuning, read_way
from deployments.contracts.documents import Document, IngestOutcome
from deployments.contracts.errors import Overloaded, Unavailable
from deployments.contracts.tenants import Access
from tests.doubles import DoubleDirectory, WholeDocumentIndexer

CORPUS = [
    CorpusDocument("1", "Paris", "The tower stands in Paris by the river."),
    CorpusDocument("2", "Bread", "Bread needs flour and salt and water."),
]
OTHERS = [CorpusDocument("1", "London", "A tower of another kind is in London.")]
ASKED = Asked("Where does the tower stand?", "dense", rerank=False, top_k=10, top_n=10)


@asynccontextmanager
async def loaded(url: str, **options: object) -> AsyncIterator[OverHttp]:
    """The service with two data sets, of which the first is asked for."""
    async with OverHttp(url, where={"dataset": "ours"}, **options) as subject:  # type: ignore[arg-type]
        for dataset, corpus in (("ours", CORPUS), ("others", OTHERS)):
            indexed = await index_documents(subject, dataset, corpus)
            assert (indexed.documents, indexed.failures) == (len(corpus), ())
        yield subject


async def test_search_finds_documents_of_its_data_set_with_times(url: str) -> None:
    async with loaded(url) as subject:
        found = await subject.search(ASKED)
    assert found.paths == ("ours/1", "ours/2")
    assert found.total_ms > found.stage_ms["retriever"] > 0
    assert subject.describe() == {"url": url, "release": "one"}


async def test_without_a_filter_everything_is_searched(url: str) -> None:
    async with loaded(url), OverHttp(url, where=None) as subject:
        found = await subject.search(ASKED)
    assert {path.split("/")[0] for path in found.paths} == {"ours", "others"}


async def test_answer_has_what_it_rests_on(url: str) -> None:
    async with loaded(url) as subject:
        answered = await subject.answer("Where does the tower stand?")
        unknown = await subject.answer("zebra quantum")
    assert answered.grounded
    assert "stands in Paris" in answered.text
    assert answered.cited == ("Paris\nThe tower stands in Paris by the river.",)
    assert answered.signals["score"] > 0
    assert not unknown.grounded
    assert unknown.cited == ()


async def test_known_documents_cost_nothing_and_can_be_taken_out(url: str) -> None:
    async with loaded(url) as subject:
        again = await index_documents(subject, "ours", CORPUS)
        assert again.written == 0
        await subject.remove(id_of("ours", "1"))
        assert (await subject.search(ASKED)).paths == ("ours/2",)
        with pytest.raises(NotMeasured, match="no document"):
            await subject.remove(id_of("ours", "1"))


async def test_refusal_is_worth_another_try(url: str, stages: DoubleDirectory) -> None:
    stages.retriever.failure = Overloaded("The retriever has a full queue.", "retriever", 1.0)
    async with OverHttp(url, where=None) as subject:
        with pytest.raises(NotNow, match="503"):
            await subject.search(ASKED)


async def test_answer_without_all_its_stages_is_worth_another_try(
    url: str, stages: DoubleDirectory
) -> None:
    async with loaded(url) as subject:
        stages.reranker.failure = Unavailable("It is gone.", "reranker")
        with pytest.raises(NotNow, match="did without: reranker"):
            await subject.answer("Where does the tower stand?")


async def test_release_needs_the_key_of_operators(url: str) -> None:
    async with OverHttp(url, where=None, release="one") as subject:
        with pytest.raises(NotMeasured, match="403"):
            await subject.search(ASKED)


async def test_service_that_is_not_there_is_named() -> None:
    async with OverHttp("http://127.0.0.1:9", where=None) as subject:
        with pytest.raises(NotMeasured, match="127.0.0.1:9"):
            await subject.search(ASKED)


class StrictIndexer(WholeDocumentIndexer):
    """Refuses a document without text, as the real one does."""

    def _write(self, document: Document, access: Access) -> IngestOutcome:
        if not any(part.text.strip() for part in document.parts):
            return IngestOutcome(document.path, "failed", document.id, message="No text.")
        return super()._write(document, access)


async def test_cleaning_takes_out_what_was_indexed_and_nothing_else(
    url: str, stages: DoubleDirectory
) -> None:
    stages.indexer = StrictIndexer(stages.retriever)
    way = read_way(
        config=DEFAULT_CONFIG,
        release=None,
        tuning=Tuning(None, None, None, False, ()),
        http=url,
        index=None,
        no_filter=False,
        clean=True,
    )

    async def study(subject: Subject, dataset: str) -> dict[str, object]:
        return {"held": sorted(stages.retriever.written)}

    corpus = [*CORPUS, CorpusDocument("3", "", " \n")]
    results, _ = await measure(way, {"ours": corpus}, study, answers=False)
    assert len(results["ours"]["held"]) == 2
    assert results["ours"]["not_indexed"].keys() == {"ours/3"}
    assert stages.retriever.written == {}
