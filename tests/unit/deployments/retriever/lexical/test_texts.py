"""BM25 over chunks that come and go, in the real library."""

import threading
from collections.abc import Sequence

import numpy as np
import pytest

pytest.importorskip("tantivy", reason="the library of the lexical index is not installed")

from deployments.contracts.documents import Chunk, Scalar, chunk_id
from deployments.contracts.errors import InvalidRequest
from deployments.contracts.search import Filter
from deployments.contracts.tenants import DEFAULT_ACCESS
from deployments.retriever.index.chunk_index import ChunkIndex, Hit
from deployments.retriever.lexical import queries as queries_module


def chunks_of(document_id: str, *texts: str, **metadata: Scalar) -> list[Chunk]:
    return [
        Chunk(
            chunk_id(document_id, ordinal),
            document_id,
            ordinal,
            text,
            f"{document_id}.md",
            "",
            heading=f"part {ordinal}",
            page=ordinal or None,
            metadata=metadata,
        )
        for ordinal, text in enumerate(texts)
    ]


def add(index: ChunkIndex, chunks: Sequence[Chunk]) -> None:
    index.add(chunks, np.ones((len(chunks), 2), dtype=np.float32))


def index_of(**texts: str) -> ChunkIndex:
    index = ChunkIndex()
    for document_id, text in texts.items():
        add(index, chunks_of(document_id, text))
    index.commit()
    return index


def hits(
    index: ChunkIndex, query: str, *, top_k: int = 10, where: Filter | None = None
) -> list[Hit]:
    return index.view().by_words(query, top_k, where, access=DEFAULT_ACCESS)


def found(
    index: ChunkIndex, query: str, *, top_k: int = 10, where: Filter | None = None
) -> list[str]:
    """Returns the documents of the hits, in their order."""
    return [hit.chunk_id[:-6] for hit in hits(index, query, top_k=top_k, where=where)]


def test_more_and_rarer_words_of_the_query_come_first() -> None:
    index = index_of(
        both="the replica drains its queue", one="a queue of people", none="something else"
    )
    assert found(index, "how does a replica drain the queue?") == ["both", "one"]
    first, second = hits(index, "replica queue")
    assert first.score > second.score > 0.0


def test_title_and_heading_are_searched_too() -> None:
    index = ChunkIndex()
    add(index, [Chunk("a-00000", "a", 0, "text", "a.md", "Rollouts", heading="Canary weight")])
    index.commit()
    assert found(index, "rollout") == found(index, "canary") == ["a"]


@pytest.mark.parametrize("query", ["", "   ", "?!…", "\0", "\ud800", "🎉", "x" * 100_000])
def test_a_query_without_words_of_the_index_finds_nothing(query: str) -> None:
    assert hits(index_of(a="text"), query) == []
    assert hits(ChunkIndex(), query) == []


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("Größe und Überlauf", "GRÖSSE ÜBERLAUF"),
        ("Größe und Überlauf", "uberlauf"),
        ("猫は窓の上に座っています", "窓の猫"),
        ("Мир без границ", "МИР"),
        ("naïve cafe\u0301", "café"),
        ("set max_batch_tokens to 320", "batch tokens"),
        ("error E1234 in line 7", "e1234"),
        ("lone \ud800 surrogate", "surrogate"),
        ("AND OR NOT (title:x)", 'title:x AND "OR'),
    ],
    ids=[
        "case",
        "accents",
        "unspaced",
        "cyrillic",
        "combining",
        "names",
        "codes",
        "lone",
        "syntax",
    ],
)
def test_words_of_many_kinds_are_found(text: str, query: str) -> None:
    assert found(index_of(other="unrelated", a=text), query)[0] == "a"


def test_a_huge_document_and_a_huge_query() -> None:
    index = index_of(
        huge="lorem ipsum " * 200_000 + "needle " + "y" * 1_000_000, small="lorem needle"
    )
    assert found(index, "needle") == ["small", "huge"]
    assert found(index, " ".join(f"word{number}" for number in range(50_000)) + " needle") == [
        "small",
        "huge",
    ]


def test_of_a_long_query_the_rarest_words_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries_module, "MAX_TERMS", 1)
    index = index_of(a="common", b="common", c="common rare")
    assert found(index, "unknown common rare") == ["c"]


def test_changes_show_at_the_commit() -> None:
    index = index_of(a="one", b="one")
    index.remove(["a", "unknown"])
    add(index, chunks_of("c", "one"))
    assert (found(index, "one"), len(index)) == (["a", "b"], 2)
    index.commit()
    assert (found(index, "one"), len(index)) == (["b", "c"], 2)


def test_a_document_written_again_leaves_nothing_behind() -> None:
    index = ChunkIndex()
    add(index, chunks_of("a", "old one", "old two"))
    index.commit()
    index.remove(["a"])
    add(index, chunks_of("a", "new"))
    index.commit()
    assert (found(index, "old"), found(index, "new"), len(index)) == ([], ["a"], 1)


def test_a_chunk_added_twice_is_there_once() -> None:
    index = ChunkIndex()
    for text in ("first", "second"):
        add(index, chunks_of("a", text))
    add(index, chunks_of("a", "third"))
    index.commit()
    assert (found(index, "first second third"), len(index)) == (["a"], 1)
    assert found(index, "second") == []


def test_what_was_removed_before_it_was_shown_never_shows() -> None:
    index = ChunkIndex()
    add(index, chunks_of("a", "one"))
    index.remove(["a"])
    index.commit()
    assert (found(index, "one"), len(index)) == ([], 0)


def test_equal_texts_come_in_the_order_of_their_ids_whatever_came_first() -> None:
    """Also those beyond the cut: which of them are returned must not be chance."""
    names = [f"d{number:03d}" for number in range(300)]
    for order in (names, names[::-1], names[1::2] + names[::2]):
        index = ChunkIndex()
        for place, name in enumerate(order):
            add(index, chunks_of(name, "the same text"))
            if place % 100 == 0:
                index.commit()
        index.commit()
        assert found(index, "same text", top_k=5) == names[:5]


def library() -> ChunkIndex:
    """1,200 chunks with the word, of which a few have what is asked for."""
    index = ChunkIndex()
    for number in range(400):
        rare: dict[str, Scalar] = {"rare": True} if number % 100 == 99 else {}
        texts = [f"word {'filler ' * (number % 7)}" for _ in range(3)]
        add(index, chunks_of(f"d{number:03d}", *texts, year=2000 + number % 20, **rare))
    index.commit()
    return index


@pytest.mark.parametrize(
    ("where", "count"),
    [
        ({"year": {"$gte": 2010}}, 600),
        ({"rare": True}, 12),
        ({"rare": {"$ne": True}}, 1188),
        ({"$and": [{"rare": True}, {"page": 2}]}, 4),
        ({"page": {"$nin": [1, 2]}}, 400),
        ({"ordinal": 1}, 400),
        ({"heading": "part 2"}, 400),
        ({"path": "d399.md"}, 3),
        ({"document_id": {"$in": ["d001", "d002"]}}, 6),
        ({"rare": "true"}, 0),
    ],
    ids=str,
)
@pytest.mark.parametrize("top_k", [1, 50, 2000])
def test_a_filter_cuts_nothing_that_passes(where: Filter, count: int, top_k: int) -> None:
    index = library()
    everything = hits(index, "word", top_k=2000, where=where)
    assert len(everything) == count
    assert hits(index, "word", top_k=top_k, where=where) == everything[:top_k]
    passed = {hit.chunk_id for hit in everything}
    unfiltered = hits(index, "word", top_k=2000)
    assert [hit for hit in unfiltered if hit.chunk_id in passed] == everything


def test_the_store_s_own_keys_win_over_metadata_of_the_same_name() -> None:
    index = ChunkIndex()
    add(index, chunks_of("a", "word", path="other.md", ordinal=7))
    index.commit()
    assert found(index, "word", where={"path": "a.md"}) == ["a"]
    assert found(index, "word", where={"ordinal": 7}) == []


@pytest.mark.parametrize("where", [{"k": {"$like": 1}}, {"#document": {"$contains": "word"}}])
def test_a_filter_that_cannot_be_decided_is_refused(where: Filter) -> None:
    with pytest.raises(InvalidRequest):
        hits(index_of(a="word"), "word", where=where)


def test_searches_beside_writes_see_whole_states() -> None:
    """A document that is replaced again and again is there once in every answer."""
    index = index_of(a="word 0", **{f"other{number}": "word" for number in range(50)})
    answers: list[Sequence[str]] = []
    failures: list[BaseException] = []
    done = threading.Event()

    def ask() -> None:
        try:
            while not done.is_set():
                answers.append(found(index, "word", top_k=100))
        except BaseException as failure:
            failures.append(failure)

    asking = [threading.Thread(target=ask) for _ in range(3)]
    for thread in asking:
        thread.start()
    for number in range(40):
        index.remove(["a"])
        add(index, chunks_of("a", f"word {number}"))
        index.commit()
    done.set()
    for thread in asking:
        thread.join()
    assert not failures
    assert answers
    assert all(sorted(one) == sorted({*one}) and len(one) == 51 for one in answers)


@pytest.mark.parametrize(
    ("texts", "query", "first"),
    [
        ({"a": "bolt QX-71-09 is here", "b": "bolt QX-09-71 is there"}, "bolt QX-09-71", "b"),
        ({"a": "on 2031-02-07 it rained", "b": "on 2031-07-02 it rained"}, "2031-07-02", "b"),
        ({"a": "host 10.2.0.7", "b": "host 10.0.2.7, 2 2 2 7 7 7 10 10"}, "is 10.2.0.7 up", "a"),
        ({"a": "release 3.0.1", "b": "release v1.0.3"}, "v3.0.1", "a"),
        ({"a": "release 3.0.1", "b": "release v1.0.3"}, "1.0.3", "b"),
        ({"a": "written in C#", "b": "written in C++", "c": "written in C"}, "C++", "b"),
        ({"a": "a net for fish", "b": "a course on .NET"}, ".NET", "b"),
        ({"a": "the key " + "k9" * 40, "b": "the key " + "9k" * 40}, "9k" * 40, "b"),
        ({"a": "set the max tokens of batch", "b": "set maxTokens"}, "maxTokens", "b"),
        ({"a": "the IT desk answers", "b": "it is a desk, and it answers it"}, "IT desk", "a"),
        ({"a": "the desk of the U.S. port", "b": "it tells us of the desk port"}, "US desk", "a"),
        ({"a": "vitamin A is here", "b": "vitamin C is a vitamin here"}, "what is vitamin A", "a"),
        (
            {"a": "shut by May the hatch", "b": "it may be shut by a hatch"},
            "shut hatch in May",
            "a",
        ),
        ({"a": "a door of green wood", "b": "a green door, a wood"}, '"green door" of wood', "b"),
        ({"a": "Η Θάλασσα είναι κρύα", "b": "other"}, "ΘΑΛΑΣΣΑ", "a"),
        ({"a": "Zażółć gęślą jaźń", "b": "other"}, "zazolc gesla", "a"),
        ({"a": "Izmir limanı", "b": "other"}, "İZMİR", "a"),
        ({"a": "Ёлка стоит", "b": "other"}, "елка", "a"),
        ({"a": "سَفِينَةٌ فِي المِينَاء", "b": "other"}, "سفينة", "a"),
        ({"a": "har\u00adbour mas\u200bter", "b": "other"}, "harbour master", "a"),
        ({"a": "船长在甲板上", "b": "长船在板甲上"}, "甲板", "a"),
        ({"a": "เรือออกตอนเช้า", "b": "other"}, "ตอนเช้า", "a"),
        ({"a": "배는 아침에 떠난다", "b": "other"}, "아침", "a"),
        ({"a": "to be or not", "b": "other"}, "to be", "a"),
    ],
)
def test_what_is_named_comes_first(texts: dict[str, str], query: str, first: str) -> None:
    assert found(index_of(**texts), query)[:1] == [first]


def test_capitals_say_nothing_where_all_is_in_capitals() -> None:
    index = index_of(a="IT IS SHUT", b="the IT desk")
    assert found(index, "THE DESK IS SHUT FOR IT")[:1] == ["a"]
