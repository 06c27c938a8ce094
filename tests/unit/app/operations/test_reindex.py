"""One index filled from another while documents come, change and go."""

import time
from collections.abc import Sequence
from dataclasses import replace

import pytest

from app.operations.reindex import ReindexedPage, reindex_page
from app.releases.route import RetrievalStages
from app.request.principal import Principal
from app.request.scope import RequestScope
from deployments.contracts.calls import CallContext
from deployments.contracts.documents import Document, IngestOutcome, Part, Upload
from tests.doubles import DoubleDirectory, WholeDocumentIndexer

SCOPE = RequestScope("r", time.monotonic() + 60)


@pytest.fixture
def source() -> DoubleDirectory:
    return DoubleDirectory()


@pytest.fixture
def target() -> DoubleDirectory:
    return DoubleDirectory()


def stages(directory: DoubleDirectory) -> RetrievalStages:
    return directory.retrieval("any")


def document(document_id: str, text: str) -> Document:
    parts = (Part(text, 1), Part(f"more {text}", 2))
    return Document(document_id, f"{document_id}.md", document_id, parts, {"team": "red"})


async def fill(directory: DoubleDirectory, *ids: str, text: str = "text") -> None:
    await directory.indexer.ingest(
        [document(one, f"{text} of {one}") for one in ids], (), call=SCOPE.call()
    )


async def page(
    source: DoubleDirectory, target: DoubleDirectory, after: int = 0, limit: int = 10
) -> ReindexedPage:
    return await reindex_page(stages(source), stages(target), SCOPE, after=after, limit=limit)


def texts(directory: DoubleDirectory) -> dict[str, str]:
    return {one: found.chunks[0].text for one, found in directory.retriever.written.items()}


async def test_the_target_has_what_the_source_has(
    source: DoubleDirectory, target: DoubleDirectory
) -> None:
    await fill(source, "a", "b", "c")
    done = await page(source, target)
    assert texts(target) == texts(source)
    assert [one.status for one in done.outcomes] == ["added"] * 3
    assert (done.next_sequence, done.total) == (None, 3)
    assert target.retriever.written["a"].record.metadata == {"team": "red"}


async def test_pages_lead_through_all_of_it_and_may_be_repeated(
    source: DoubleDirectory, target: DoubleDirectory
) -> None:
    await fill(source, *"abcde")
    after: int | None = 0
    seen = []
    while after is not None:
        done = await page(source, target, after, limit=2)
        seen += [one.document_id for one in done.outcomes]
        after = done.next_sequence
    assert seen == list("abcde")
    again = await page(source, target)
    assert {one.status for one in again.outcomes} == {"unchanged"}


async def test_an_empty_source_is_done_at_once(
    source: DoubleDirectory, target: DoubleDirectory
) -> None:
    assert await page(source, target) == ReindexedPage((), None, 0)


async def test_a_document_without_its_source_is_named(
    source: DoubleDirectory, target: DoubleDirectory
) -> None:
    await source.indexer.ingest([Document("a", "a.md", "a", ())], (), call=SCOPE.call())
    await fill(source, "b")
    done = await page(source, target)
    by_id = {one.document_id: one for one in done.outcomes}
    assert (by_id["a"].status, by_id["b"].status) == ("failed", "added")
    assert "Ingest it again" in by_id["a"].message


class Meanwhile(WholeDocumentIndexer):
    """An indexer of the target, while whose first work something happens in the source."""

    def __init__(self, target: DoubleDirectory, source: DoubleDirectory, happening: str) -> None:
        super().__init__(target.retriever)
        self._source = source
        self._happening = happening

    async def ingest(
        self, documents: Sequence[Document], uploads: Sequence[Upload], *, call: CallContext
    ) -> list[IngestOutcome]:
        if self._happening == "delete":
            self._source.retriever.written.pop("a", None)
        elif self._happening == "change":
            # Whoever writes, writes to both; the copy of the older text comes after it.
            await fill(self._source, "a", text="new")
        self._happening = ""
        return await super().ingest(documents, uploads, call=call)


@pytest.mark.parametrize("happening", ["delete", "change"])
async def test_what_happens_meanwhile_is_not_undone(
    source: DoubleDirectory, target: DoubleDirectory, happening: str
) -> None:
    await fill(source, "a", "b")
    target.indexer = Meanwhile(target, source, happening)
    await page(source, target)
    assert texts(target) == texts(source)
    assert ("a" in texts(target)) == (happening == "change")


async def test_every_document_keeps_its_tenant_and_its_groups(
    source: DoubleDirectory, target: DoubleDirectory
) -> None:
    await fill(source, "a")
    acme = replace(SCOPE, principal=Principal("acme")).call()
    closed = replace(document("a", "closed"), acl=frozenset({"board"}))
    await source.indexer.ingest([closed], (), call=acme)
    scope = SCOPE.over_all_tenants()
    done = await reindex_page(stages(source), stages(target), scope, after=0, limit=10)
    assert [one.document_id for one in done.outcomes] == ["a", "acme/a"]
    assert texts(target) == texts(source)
    assert {name: one.record.acl for name, one in target.retriever.written.items()} == {
        "a": None,
        "acme/a": {"board"},
    }
