"""Searching by meaning and by words over a real, embedded Chroma and a real index in memory."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deployments.contracts.documents import Chunk, DocumentRecord, IndexedDocument, Scalar, chunk_id
from deployments.contracts.errors import InvalidRequest, Unavailable
from deployments.contracts.search import Filter, SearchMethod, SearchMode
from deployments.contracts.tenants import DEFAULT_ACCESS
from deployments.contracts.vectors import Vectors
from deployments.retriever.chroma.source import StoredContent
from deployments.retriever.chroma.store import ChromaStore, Search
from deployments.retriever.config import StoreArgs
from deployments.retriever.follower import Follower
from deployments.retriever.hybrid import Hits, HybridSearch, Query
from deployments.retriever.index.chunk_index import ChunkIndex, View

_NUMBERS = count()
NORTH, EAST = [1.0, 0.0], [0.0, 1.0]


class Replica:
    """A retriever without its shell."""

    def __init__(self, args: StoreArgs, *, lexical: bool = True) -> None:
        self.store = ChromaStore(args)
        self.index = ChunkIndex() if lexical else None
        follower = None if self.index is None else Follower(StoredContent(self.store), self.index)
        self.hybrid = HybridSearch(self.store, self.index, follower)

    def write(self, document_id: str, text: str, vector: Sequence[float], **own: Scalar) -> None:
        record = DocumentRecord(
            document_id,
            f"{document_id}.md",
            "",
            f"{text}{vector}",
            1,
            "2026-01-01T00:00:00+00:00",
            1_767_225_600_000_000_001 + next(_NUMBERS),
            own,
        )
        chunk = Chunk(chunk_id(document_id, 0), document_id, 0, text, record.path, "", metadata=own)
        self.store.replace([IndexedDocument(record, (chunk,), unit(vector)[None, :])])

    def find(self, text: str, vector: Sequence[float] | None = NORTH, **wishes: Any) -> list[str]:
        return names(self.hits(text, vector, **wishes))

    def hits(
        self,
        text: str,
        vector: Sequence[float] | None = NORTH,
        *,
        mode: SearchMode = "hybrid",
        weight: float = 0.5,
        top_k: int = 10,
        candidates: int = 50,
        where: Filter | None = None,
    ) -> Hits:
        how = SearchMethod(mode, weight, candidates)
        query = Query(
            text, None if vector is None else unit(vector), top_k, where, how, DEFAULT_ACCESS
        )
        return self.hybrid.search([query])[0]


def unit(vector: Sequence[float]) -> Vectors:
    array = np.asarray(vector, dtype=np.float32)
    return array / np.linalg.norm(array)


def names(hits: Hits) -> list[str]:
    return [hit.chunk.document_id for hit in hits.chunks]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hybrid")


@pytest.fixture
def args(folder: Path) -> StoreArgs:
    return StoreArgs(path=str(folder), collection=f"hybrid-{next(_NUMBERS)}")


@pytest.fixture
def replica(args: StoreArgs) -> Replica:
    """`near` is near the vector, `worded` has the word, `both` is second in either."""
    replica = Replica(args)
    replica.write("near", "The cat sleeps.", [1.0, 0.1], kind="cat")
    replica.write("worded", "Zebra zebra zebra.", [0.2, 1.0], kind="zebra")
    replica.write("both", "A zebra runs through the high grass.", [1.0, 0.5], kind="zebra")
    return replica


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("dense", ["near", "both", "worded"]),
        ("lexical", ["worded", "both"]),
        ("hybrid", ["both", "worded", "near"]),
    ],
)
def test_each_mode_has_its_order(replica: Replica, mode: SearchMode, expected: list[str]) -> None:
    hits = replica.hits("zebra", mode=mode)
    assert names(hits) == expected
    assert [hit.rank for hit in hits.chunks] == list(range(1, len(expected) + 1))
    assert sorted((hit.score for hit in hits.chunks), reverse=True) == [
        hit.score for hit in hits.chunks
    ]


def test_signals_are_what_each_way_said(replica: Replica) -> None:
    by_name = {hit.chunk.document_id: hit.signals for hit in replica.hits("zebra").chunks}
    dense = {hit.chunk.document_id: hit.score for hit in replica.hits("", mode="dense").chunks}
    words = {
        hit.chunk.document_id: hit.score for hit in replica.hits("zebra", mode="lexical").chunks
    }
    assert {name: signals.dense for name, signals in by_name.items()} == pytest.approx(dense)
    assert {name: signals.lexical for name, signals in by_name.items()} == {**words, "near": None}
    assert all(signals.rerank is None for signals in by_name.values())


def test_what_only_words_found_has_its_exact_cosine(replica: Replica) -> None:
    """The index of vectors shows two others; its own vector is asked for."""
    hits = replica.hits("zebra", candidates=2, top_k=1, weight=0.0)
    assert names(hits) == ["worded"]
    assert hits.chunks[0].signals.dense == pytest.approx(float(unit([0.2, 1.0])[0]), abs=5e-4)


@pytest.mark.parametrize(("weight", "first"), [(1.0, "near"), (0.0, "worded")])
def test_the_weight_decides_between_meaning_and_words(
    replica: Replica, weight: float, first: str
) -> None:
    assert replica.find("zebra", weight=weight)[0] == first


def test_words_alone_need_no_vector(replica: Replica) -> None:
    assert replica.find("zebra", None, mode="lexical") == ["worded", "both"]
    with pytest.raises(InvalidRequest):
        replica.find("zebra", None)


def test_a_query_without_a_known_word_is_answered_by_meaning(replica: Replica) -> None:
    assert replica.find("quasar") == ["near", "both", "worded"]
    assert replica.find("quasar", mode="lexical") == []


def test_filters_hold_for_both_ways(replica: Replica) -> None:
    assert replica.find("zebra", where={"kind": "zebra"}) == ["both", "worded"]
    assert replica.find("zebra", where={"kind": "cat"}) == ["near"]
    assert replica.find("zebra", where={"kind": "dog"}) == []
    with pytest.raises(InvalidRequest):
        replica.find("zebra", where={"kind": {"$near": 1}})


def test_queries_of_one_batch_are_answered_each_its_own_way(replica: Replica) -> None:
    modes: list[SearchMode] = ["lexical", "dense", "hybrid", "dense"]
    queries = [
        Query("zebra", unit(NORTH), top_k, None, SearchMethod(mode, 0.5), DEFAULT_ACCESS)
        for top_k, mode in enumerate(modes, start=1)
    ]
    together = [names(hits) for hits in replica.hybrid.search(queries)]
    assert together == [names(replica.hybrid.search([query])[0]) for query in queries]
    assert [len(found) for found in together] == [1, 2, 3, 3]


def test_time_is_told_for_the_ways_that_were_asked(replica: Replica) -> None:
    modes: list[SearchMode] = ["hybrid", "dense", "lexical"]
    laps = [replica.hits("zebra", mode=mode).laps for mode in modes]
    assert [[lap.name for lap in one] for one in laps] == [
        ["dense", "lexical"],
        ["dense"],
        ["lexical"],
    ]
    dense, lexical = laps[0]
    assert dense.took_ms > 0
    assert lexical.after_ms >= dense.after_ms + dense.took_ms


def test_an_empty_collection_finds_nothing(args: StoreArgs) -> None:
    assert Replica(args).find("zebra") == []


def test_equal_hits_are_ordered_by_chunk_id(args: StoreArgs) -> None:
    replica = Replica(args)
    for name in "cab":
        replica.write(name, "zebra", NORTH)
    assert replica.find("zebra") == ["a", "b", "c"]


def test_without_an_index_of_words_meaning_answers(args: StoreArgs) -> None:
    replica = Replica(args, lexical=False)
    replica.write("worded", "zebra", EAST)
    replica.write("near", "cat", NORTH)
    assert replica.find("zebra", weight=0.0) == ["near", "worded"]
    with pytest.raises(InvalidRequest):
        replica.find("zebra", mode="lexical")


def test_two_replicas_see_what_either_wrote_or_deleted(args: StoreArgs) -> None:
    one, other = Replica(args), Replica(args)
    for writer, reader in ((one, other), (other, one)):
        assert reader.find("zebra") == []
        writer.write("worded", "zebra", EAST)
        assert reader.find("zebra") == ["worded"]
        writer.write("worded", "cat", EAST)
        assert reader.find("zebra", mode="lexical") == []
        assert reader.find("cat", mode="lexical") == ["worded"]
        writer.store.delete("worded")
        assert reader.find("cat") == writer.find("cat") == []


@pytest.mark.parametrize("mode", ["dense", "hybrid"])
@pytest.mark.parametrize("lexical", [True, False])
def test_texts_are_read_from_the_store_only_where_no_index_has_them(
    args: StoreArgs, monkeypatch: pytest.MonkeyPatch, mode: SearchMode, lexical: bool
) -> None:
    replica = Replica(args, lexical=lexical)
    replica.write("worded", "zebra", EAST, kind="cat")
    replica.write("near", "Gr\u00fc\u00dfe", NORTH)
    asked: list[str] = []
    read = replica.store.texts

    def texts(chunk_ids: Sequence[str]) -> Any:
        asked.extend(chunk_ids)
        return read(chunk_ids)

    monkeypatch.setattr(replica.store, "texts", texts)
    hits = replica.hits("zebra", mode=mode, weight=0.9)
    assert [hit.chunk.text for hit in hits.chunks] == ["Gr\u00fc\u00dfe", "zebra"]
    assert hits.chunks[1].chunk.metadata == {"kind": "cat"}
    assert sorted(asked) == ([] if lexical else ["near-00000", "worded-00000"])


def after_view(
    replica: Replica, monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]
) -> None:
    """Makes something happen when a search has begun, before it looks for anything."""
    assert replica.index is not None
    view = replica.index.view

    def view_and_happen() -> View:
        seen = view()
        monkeypatch.undo()
        happens()
        return seen

    monkeypatch.setattr(replica.index, "view", view_and_happen)


@pytest.mark.parametrize("mode", ["dense", "lexical", "hybrid"])
def test_a_document_that_changes_during_a_search_is_found_with_its_former_text(
    args: StoreArgs, monkeypatch: pytest.MonkeyPatch, mode: SearchMode
) -> None:
    replica = Replica(args)
    replica.write("near", "cat", NORTH)

    def change() -> None:
        replica.write("near", "cat and dog", EAST)
        assert replica.find("dog", mode="lexical") == ["near"]

    after_view(replica, monkeypatch, change)
    [during] = replica.hits("cat", mode=mode).chunks
    [afterwards] = replica.hits("cat", mode=mode).chunks
    assert (during.chunk.text, afterwards.chunk.text) == ("cat", "cat and dog")
    if mode != "lexical":
        assert during.signals.dense == pytest.approx(1.0)
        assert afterwards.signals.dense == pytest.approx(0.0)


@pytest.mark.parametrize("mode", ["dense", "lexical", "hybrid"])
def test_a_document_that_goes_during_a_search_is_no_hit_of_the_next(
    replica: Replica, monkeypatch: pytest.MonkeyPatch, mode: SearchMode
) -> None:
    after_view(replica, monkeypatch, lambda: replica.store.delete("both"))
    assert "both" in replica.find("zebra", mode=mode)
    assert "both" not in replica.find("zebra", mode=mode)


@pytest.mark.parametrize("mode", ["dense", "lexical", "hybrid"])
def test_what_is_being_written_is_not_seen_in_part(replica: Replica, mode: SearchMode) -> None:
    """A follower has taken out a document and added another, and has not shown it."""
    before = replica.hits("zebra", mode=mode).chunks
    assert replica.index is not None
    replica.index.remove(["worded", "near"])
    new = Chunk(chunk_id("new", 0), "new", 0, "zebra", "new.md", "")
    replica.index.add([new], unit(NORTH)[None, :])
    assert replica.hits("zebra", mode=mode).chunks == before


def test_without_an_index_a_document_that_goes_during_a_search_is_no_hit(
    args: StoreArgs, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica = Replica(args, lexical=False)
    for name in ("a", "b", "c"):
        replica.write(name, "zebra", NORTH)
    search = replica.store.search

    def search_and_delete(searches: Sequence[Search]) -> Any:
        found = search(searches)
        monkeypatch.undo()
        replica.store.delete("b")
        return found

    monkeypatch.setattr(replica.store, "search", search_and_delete)
    hits = replica.hits("zebra")
    assert names(hits) == ["a", "c"]
    assert [hit.rank for hit in hits.chunks] == [1, 2]


def test_a_filter_on_the_text_is_answered_by_the_store(replica: Replica) -> None:
    """By meaning, as words have no such filter; the other queries of the batch are not touched."""
    how = SearchMethod("hybrid", 0.5)
    of_text: Filter = {"#document": {"$contains": "high grass"}}
    queries = [
        Query("zebra", unit(NORTH), 10, where, how, DEFAULT_ACCESS) for where in (of_text, None)
    ]
    by_store, by_memory = replica.hybrid.search(queries)
    assert names(by_store) == ["both"]
    assert by_store.chunks[0].signals.lexical is None
    assert names(by_memory) == ["both", "worded", "near"]
    with pytest.raises(InvalidRequest):
        replica.find("zebra", mode="lexical", where=of_text)


@pytest.mark.parametrize("lexical", [True, False], ids=["memory", "store"])
def test_what_stands_around_comes_with_the_hits(args: StoreArgs, lexical: bool) -> None:
    """As far as it is there, and of the same section and page."""
    replica = Replica(args, lexical=lexical)
    texts = ["one", "two", "zebra", "four", "five"]
    chunks = tuple(
        Chunk(chunk_id("a", ordinal), "a", ordinal, text, "a.md", "", page=1 if ordinal < 4 else 2)
        for ordinal, text in enumerate(texts)
    )
    vectors = np.stack([unit(NORTH if text == "zebra" else EAST) for text in texts])
    record = DocumentRecord("a", "a.md", "", "mark", 5, "2026", 1)
    replica.store.replace([IndexedDocument(record, chunks, vectors)])

    def around(reach: int) -> list[str]:
        query = Query("zebra", unit(NORTH), 1, None, SearchMethod("dense"), DEFAULT_ACCESS, reach)
        [hits] = replica.hybrid.search([query])
        assert [hit.chunk.text for hit in hits.chunks] == ["zebra"]
        return sorted(chunk.text for chunk in hits.neighbours)

    assert around(0) == []
    assert around(1) == ["four", "two"]
    assert around(5) == ["four", "one", "two"], "the fifth is on another page"


def test_neighbours_that_cannot_exist_are_asked_of_nobody(
    args: StoreArgs, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica = Replica(args)
    replica.write("a", "zebra", NORTH)
    replica.find("zebra")
    with monkeypatch.context() as alone:

        def refuse(*_: object, **__: object) -> None:
            raise AssertionError("memory knows")

        alone.setattr(replica.store.chroma.chunks(), "get", refuse)
        query = Query("zebra", unit(NORTH), 1, None, SearchMethod(), DEFAULT_ACCESS, reach=2)
        [hits] = replica.hybrid.search([query])
    assert (len(hits.chunks), hits.neighbours) == (1, ())


def test_a_write_that_was_acknowledged_is_seen_by_meaning_alone_too(args: StoreArgs) -> None:
    one, other = Replica(args), Replica(args)
    for text in ("first", "second"):
        one.write("a", text, NORTH)
        [hit] = other.hits("", mode="dense").chunks
        assert hit.chunk.text == text
    one.store.delete("a")
    assert other.find("", mode="dense") == []


@pytest.mark.parametrize("mode", ["dense", "lexical", "hybrid"])
def test_a_store_that_is_away_fails_the_search(
    replica: Replica, monkeypatch: pytest.MonkeyPatch, mode: SearchMode
) -> None:
    def away(*_: object) -> Callable[..., Any]:
        raise Unavailable("away", "retriever")

    monkeypatch.setattr(replica.store.chroma, "guard", away)
    monkeypatch.setattr(replica.store.changes, "_guard", away)
    with pytest.raises(Unavailable):
        replica.find("zebra", mode=mode)
    monkeypatch.undo()
    assert replica.find("zebra", mode="lexical") == ["worded", "both"]


def test_without_an_index_a_store_that_loses_its_texts_fails_the_search(
    args: StoreArgs, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica = Replica(args, lexical=False)
    replica.write("a", "zebra", NORTH)

    def away(*_: object) -> Callable[..., Any]:
        raise Unavailable("away", "retriever")

    monkeypatch.setattr(replica.store, "texts", away)
    with pytest.raises(Unavailable):
        replica.find("zebra")


def test_many_threads_search_and_write_one_replica(args: StoreArgs) -> None:
    """Each thread finds what it wrote, and never what it deleted."""
    replica = Replica(args)

    def churn(name: str) -> None:
        for round_ in range(4):
            replica.write(name, f"{name} zebra{round_}", NORTH)
            modes: list[SearchMode] = ["hybrid", "dense", "lexical"]
            for mode in modes:
                hits = replica.hits(f"{name} zebra{round_}", mode=mode, top_k=50).chunks
                texts = {hit.chunk.document_id: hit.chunk.text for hit in hits}
                assert texts[name] == f"{name} zebra{round_}"
            replica.store.delete(name)
            for mode in modes:
                assert name not in replica.find(f"{name} zebra{round_}", mode=mode, top_k=50)

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(churn, [f"name{number}" for number in range(6)]))
