"""What is kept of a chunk, and which chunks a filter lets pass."""

from dataclasses import replace
from typing import Any

import pytest

from deployments.contracts.documents import Chunk
from deployments.contracts.search import Filter
from deployments.contracts.tenants import DEFAULT_ACCESS
from deployments.retriever.index.row import row_of
from deployments.retriever.index.row_table import RowTable
from deployments.retriever.index.rows import Rows
from deployments.retriever.index.where import Condition, compile_where
from deployments.retriever.tenancy import selection as selection_module


def chunk(ordinal: int, **changes: Any) -> Chunk:
    fields: dict[str, Any] = {"metadata": {"team": "red"}, "page": None, **changes}
    return Chunk(f"a-{ordinal}", "a", ordinal, "text", "a.md", "Title", heading="Part", **fields)


def passing(rows: Rows, where: Filter) -> set[int]:
    condition = compile_where(where)
    assert isinstance(condition, Condition)
    found = rows.within(DEFAULT_ACCESS).passing(where, condition)
    assert found.ascending.tolist() == sorted(found.as_set)
    return set(found.as_set)


def rows_of(*chunks: Chunk) -> Rows:
    table = RowTable()
    for one in chunks:
        table.add(one)
    return table.snapshot()


def test_a_row_has_the_fields_that_the_store_keeps() -> None:
    assert row_of(chunk(3, page=7), None).fields() == {
        "team": "red",
        "document_id": "a",
        "path": "a.md",
        "title": "Title",
        "ordinal": 3,
        "heading": "Part",
        "page": 7,
    }
    assert "page" not in row_of(chunk(3), None).fields()


def test_chunks_of_a_document_share_their_metadata() -> None:
    first = row_of(chunk(0), None)
    assert row_of(chunk(1), first).shared is first.shared
    assert row_of(chunk(1, metadata={"team": "blue"}), first).shared["team"] == "blue"


def test_a_filter_on_the_document_and_one_on_the_chunk() -> None:
    chunks = (
        chunk(ordinal, metadata={"team": "red" if ordinal < 4 else "blue"}) for ordinal in range(6)
    )
    rows = rows_of(*chunks)
    assert passing(rows, {"team": "red"}) == {0, 1, 2, 3}
    assert passing(rows, {"$and": [{"team": "red"}, {"ordinal": {"$gt": 1}}]}) == {2, 3}


def test_filters_are_remembered_by_what_they_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection_module, "_KEPT_FILTERS", 2)
    rows = rows_of(chunk(0))
    for _ in range(2):
        for where in ({"ordinal": 0}, {"ordinal": False}, {"ordinal": "0"}, {"ordinal": 0.0}):
            assert passing(rows, where) == (
                {0} if type(where["ordinal"]) in (int, float) else set()
            )
    assert len(rows.within(DEFAULT_ACCESS)._passing) <= 2


@pytest.mark.parametrize("text", ["", "plain", "Gr\u00fc\u00dfe, \u4f60\u597d", "lone \ud800"])
def test_a_row_gives_its_chunk_back(text: str) -> None:
    whole = replace(chunk(3, page=7), text=text)
    assert row_of(whole, None).chunk() == whole
    assert row_of(replace(whole, page=None), None).chunk().page is None
