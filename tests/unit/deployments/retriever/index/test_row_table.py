"""Rows that come and go while snapshots of them stay as they are."""

import random

import pytest

from deployments.contracts.documents import Chunk, chunk_id
from deployments.retriever.index import row_table as row_table_module
from deployments.retriever.index import rows as rows_module
from deployments.retriever.index.row_table import RowTable
from deployments.retriever.index.rows import Rows


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (rows_module, row_table_module):
        monkeypatch.setattr(module, "BLOCK_NUMBERS", 4)


def chunk(document_id: str, ordinal: int, text: str = "text") -> Chunk:
    return Chunk(chunk_id(document_id, ordinal), document_id, ordinal, text, "a.md", "")


def test_numbers_are_never_given_twice() -> None:
    table = RowTable()
    assert table.add(chunk("a", 0)) == (0, None)
    assert table.add(chunk("a", 1)) == (1, None)
    assert table.add(chunk("a", 0)) == (2, 0)
    assert sorted(table.remove(["a", "unknown"])) == [1, 2]
    assert table.remove(["a"]) == []
    assert table.add(chunk("a", 0)) == (3, None)


def test_a_chunk_comes_back_as_it_was() -> None:
    table = RowTable()
    plain = Chunk(chunk_id("a", 0), "a", 0, "# 1", "a.csv", "A", metadata={"k": 1}, markup="plain")
    table.add(plain)
    table.add(chunk("b", 0))
    rows = table.snapshot()
    assert (rows[0].chunk(), rows[1].chunk()) == (plain, chunk("b", 0))


def test_a_snapshot_knows_what_stands_around_a_chunk() -> None:
    table = RowTable()
    for ordinal in (2, 0, 1, 3):
        table.add(chunk("a", ordinal, f"former {ordinal}"))
    former = table.snapshot()
    table.add(chunk("a", 1, "latter 1"))
    table.remove(["b"])
    latter = table.snapshot()
    table.remove(["a"])

    def around(rows: Rows, *ordinals: int, reach: int) -> list[str]:
        found = rows.around([chunk("a", ordinal) for ordinal in ordinals], reach)
        return sorted(one.text for one in found)

    assert around(former, 2, reach=1) == ["former 1", "former 3"]
    assert around(latter, 2, reach=1) == ["former 3", "latter 1"]
    assert around(latter, 0, reach=9) == ["former 2", "former 3", "latter 1"]
    assert around(latter, 0, 1, reach=1) == ["former 2"]
    assert around(latter, 2, reach=0) == []
    assert around(table.snapshot(), 2, reach=1) == []


def test_snapshots_stay_as_they_were() -> None:
    """Against dictionaries that are copied whole."""
    draw = random.Random(3)
    table = RowTable()
    current: dict[int, str] = {}
    kept = []
    for _ in range(400):
        document_id = f"d{draw.randrange(6)}"
        if draw.random() < 0.5:
            for number in table.remove([document_id]):
                del current[number]
        else:
            text = f"text {draw.random()}"
            number, former = table.add(chunk(document_id, draw.randrange(5), text))
            current[number] = text
            if former is not None:
                del current[former]
        if draw.random() < 0.2:
            kept.append((table.snapshot(), current.copy()))
    for rows, expected in kept:
        assert len(rows) == len(expected)
        assert {number: rows[number].text.decode() for number in expected} == expected
    newest = table.snapshot()
    assert len(newest._blocks) <= len(current)


def test_a_snapshot_shares_what_did_not_change() -> None:
    table = RowTable()
    for ordinal in range(40):
        table.add(chunk("a", ordinal))
    before = table.snapshot()
    table.add(chunk("b", 0))
    after = table.snapshot()
    shared = [place for place, block in before._blocks.items() if after._blocks[place] is block]
    assert len(shared) == 10
    assert (len(before), len(after)) == (40, 41)
