"""Filters in Python select what the same filters select in a real, embedded Chroma."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from chromadb.errors import ChromaError
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deployments.contracts.errors import InvalidRequest
from deployments.contracts.filters import MAX_CONDITIONS
from deployments.contracts.tenants import DEFAULT_ACCESS, Access
from deployments.retriever.chroma.where import where_for_chroma
from deployments.retriever.index import where as where_module
from deployments.retriever.index.columns import Columns
from deployments.retriever.index.row import Row
from deployments.retriever.index.where import Condition, compile_where

KEYS = ("k", "other", "missing")
VALUES = (
    *("", "x", "1", "True", "Größe", "a\0b", "猫"),
    *(0, 1, -3, 2**53, 2**53 + 1, 0.0, 1.0, 1.5, 0.5, -2.5, -3.0),
    *(True, False),
)
ROWS: dict[str, Mapping[str, Any]] = {
    "none": {"always": 1},
    **{f"k-{place}": {"always": 1, "k": value} for place, value in enumerate(VALUES)},
    **{
        f"both-{place}": {"always": 1, "k": value, "other": VALUES[-1 - place]}
        for place, value in enumerate(VALUES)
    },
}

COLUMNS = Columns(
    range(len(ROWS)),
    [Row(row, fields, 0, "", None, b"") for row, fields in ROWS.items()],
)

numbers = st.sampled_from([one for one in VALUES if type(one) in (int, float)])
same_kind = st.sampled_from([str, int, float, bool]).flatmap(
    lambda kind: st.lists(
        st.sampled_from([one for one in VALUES if type(one) is kind]), min_size=1, max_size=3
    )
)
operations = st.one_of(
    st.sampled_from(VALUES),
    st.tuples(st.sampled_from(["$eq", "$ne"]), st.sampled_from(VALUES)).map(lambda p: {p[0]: p[1]}),
    st.tuples(st.sampled_from(["$gt", "$gte", "$lt", "$lte"]), numbers).map(lambda p: {p[0]: p[1]}),
    st.tuples(st.sampled_from(["$in", "$nin"]), same_kind).map(lambda p: {p[0]: p[1]}),
    st.tuples(st.sampled_from(["$contains", "$not_contains"]), st.sampled_from(["x", 1, True])).map(
        lambda p: {p[0]: p[1]}
    ),
)
filters = st.recursive(
    st.tuples(st.sampled_from(KEYS), operations).map(lambda pair: {pair[0]: pair[1]}),
    lambda inner: st.tuples(
        st.sampled_from(["$and", "$or"]), st.lists(inner, min_size=2, max_size=3)
    ).map(lambda pair: {pair[0]: pair[1]}),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def rows_of_chroma(tmp_path_factory: pytest.TempPathFactory) -> Any:
    import chromadb
    from chromadb.config import Settings

    client = chromadb.PersistentClient(
        str(tmp_path_factory.mktemp("where")), settings=Settings(anonymized_telemetry=False)
    )
    collection = client.get_or_create_collection("rows", embedding_function=None)
    collection.upsert(
        ids=list(ROWS),
        embeddings=np.zeros((len(ROWS), 1), dtype=np.float32),
        metadatas=[dict(row) for row in ROWS.values()],
    )
    return collection


def condition(where: Mapping[str, object]) -> Condition:
    compiled = compile_where(where)
    assert compiled is not None
    return compiled


@settings(max_examples=150)
@given(where=filters)
@example(where={"k": {"$ne": 1}})
@example(where={"k": True})
@example(where={"k": {"$gte": float(2**53)}})
@example(where={"k": 1.5})
@example(where={"k": {"$lt": 0.5}})
@example(where={"k": {"$gt": 2**70}})
@example(where={"k": {"$lt": 1e300}})
def test_a_filter_selects_what_chroma_selects_of_the_one_it_is_sent(
    rows_of_chroma: Any, where: dict[str, object]
) -> None:
    compiled = condition(where)
    selected = {row for row, fields in ROWS.items() if compiled.matches(fields)}
    assert selected == set(
        rows_of_chroma.get(where=where_for_chroma(where, DEFAULT_ACCESS), include=[])["ids"]
    )
    assert dict(zip(ROWS, compiled.select(COLUMNS).tolist(), strict=True)) == {
        row: row in selected for row in ROWS
    }


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (7.5, set()),
        ({"$ne": 7.5}, {-8, -7, 7, 8}),
        ({"$lt": 7.5}, {-8, -7, 7}),
        ({"$lte": 7.5}, {-8, -7, 7}),
        ({"$gt": 7.5}, {8}),
        ({"$gte": 7.5}, {8}),
        ({"$lt": -7.5}, {-8}),
        ({"$lte": -7.5}, {-8}),
        ({"$gt": -7.5}, {-7, 7, 8}),
        ({"$gte": -7.5}, {-7, 7, 8}),
        ({"$in": [7.5, 8.0]}, {8}),
        ({"$nin": [7.5, -8]}, {-7, 7, 8}),
    ],
)
def test_a_fraction_is_worth_what_it_says_to_integers(
    operation: object, expected: set[int]
) -> None:
    compiled = condition({"k": operation})
    assert {number for number in (-8, -7, 7, 8) if compiled.matches({"k": number})} == expected


@pytest.mark.parametrize(
    "where",
    [
        {},
        {"k": 1, "other": 2},
        {"k": None},
        {"k": [1]},
        {"k": {}},
        {"k": {"$eq": [1]}},
        {"k": float("inf")},
        {"k": {"$gt": float("nan")}},
        {"k": {"$gt": "a"}},
        {"k": {"$gt": True}},
        {"k": {"$in": "abc"}},
        {"k": {"$in": [None]}},
        {"k": {"$like": "a"}},
        {"k": {"$gt": 1, "$lt": 2}},
        {"$not": [{"k": 1}]},
        {"$contains": "x"},
        {"$and": {"k": 1}},
        {"$and": [1, 2]},
        {"$or": "ab"},
        {"k": "\ud800"},
        {"\ud800": 1},
        {"k": {"$in": ["a", "\ud800"]}},
    ],
    ids=ascii,
)
def test_what_is_no_filter_is_refused_as_the_store_refuses_it(
    rows_of_chroma: Any, where: dict[str, Any]
) -> None:
    with pytest.raises(InvalidRequest):
        compile_where(where)
    with pytest.raises((ValueError, TypeError, ChromaError)):
        rows_of_chroma.get(where=where)


@pytest.mark.parametrize(
    "where",
    [
        {"#document": {"$contains": "x"}},
        {"$and": [{"k": 1}, {"chroma:document": "x"}]},
    ],
    ids=["operator", "nested"],
)
def test_a_filter_on_the_text_cannot_be_decided(where: dict[str, object]) -> None:
    assert compile_where(where) is None


def test_a_condition_knows_the_fields_it_reads() -> None:
    where = {"$or": [{"a": 1}, {"$and": [{"b": {"$ne": 1}}, {"a": {"$in": [2]}}]}]}
    assert condition(where).keys == {"a", "b"}


@pytest.mark.parametrize(
    ("many", "one"),
    [
        ({"$or": [{"k": 1}, {"k": {"$in": ["a", 2.5]}}]}, {"k": {"$in": [1, "a", 2.5]}}),
        ({"$and": [{"k": {"$ne": 1}}, {"k": {"$nin": ["a"]}}]}, {"k": {"$nin": [1, "a"]}}),
        ({"$and": [{"k": 1}]}, {"k": 1}),
    ],
    ids=["any-of", "none-of", "and-of-one"],
)
def test_conditions_on_one_field_are_one_list(
    many: dict[str, object], one: dict[str, object]
) -> None:
    assert condition(many) == condition(one)


def test_conditions_that_only_look_alike_stay_apart() -> None:
    both = condition({"$and": [{"k": 1}, {"k": 2}]})
    either = condition({"$or": [{"k": {"$ne": 1}}, {"k": {"$ne": 2}}]})
    for value in (1, 2, 3):
        assert not both.matches({"k": value})
        assert either.matches({"k": value})


class CountingOrder:
    """What one number is held against another with."""

    calls = 0

    def __call__(self, value: float, bound: float) -> bool:
        self.calls += 1
        return value > bound


def test_a_value_is_looked_at_once_however_many_rows_have_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    order = CountingOrder()
    monkeypatch.setattr(where_module, "_ORDERS", {"$gt": order})
    rows = [Row(f"r{n}", {"year": n % 5}, n, "", n % 3, b"") for n in range(3000)]
    columns = Columns(range(3000), rows)
    pages = condition({"$or": [{"page": {"$gt": n}} for n in range(100)]}).select(columns)
    assert pages.sum() == 2000
    assert order.calls == 300
    # Rows that share no mapping, as those of many documents do.
    assert condition({"year": {"$gt": 3}}).select(columns).sum() == 600
    assert order.calls == 305


def test_a_filter_over_the_bounds_is_refused_where_it_is_compiled() -> None:
    conditions = 2 * MAX_CONDITIONS
    fits = {"$or": [{"k": {"$gt": n}} for n in range(conditions)]}
    assert condition(fits)
    with pytest.raises(InvalidRequest, match="conditions"):
        compile_where({"$or": [{"k": {"$gt": n}} for n in range(conditions + 1)]})


def test_ids_in_a_filter_are_sent_as_the_index_calls_them() -> None:
    where = {"$or": [{"document_id": {"$in": ["a", "b"]}}, {"document_id": "c"}, {"team": "a"}]}
    assert where_for_chroma(where, Access("acme")) == {
        "$or": [
            {"document_id": {"$in": ["acme/a", "acme/b"]}},
            {"document_id": {"$eq": "acme/c"}},
            {"team": {"$eq": "a"}},
        ]
    }
