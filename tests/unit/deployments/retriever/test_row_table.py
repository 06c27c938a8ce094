"""Rows that come and go while snapshots of them stay as they are."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from deployments.contracts.documents import Chunk, chunk_id
from deployments.retriever import row_table as row_table_module
from deployments.retriever import rows as rows_module
from deployments.retriever.row_table import RowTable


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


def test_rows_are_found_by_the_chunk_s_id() -> None:
    table = RowTable()
    for text in ("former", "latter"):
        table.add(chunk("a-1", 0, text))
    found = table.find(["a-1-00000", "a-1-00001", "a", "", "-1"])
    assert {one: row.text for one, row in found.items()} == {"a-1-00000": b"latter"}
    table.remove(["a-1"])
    assert table.find(["a-1-00000"]) == {}


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


def test_threads_ask_while_another_changes_it() -> None:
    table = RowTable()
    ids = [chunk_id(f"d{number}", 0) for number in range(8)]

    def ask(_: int) -> int:
        return max(len(table.find(ids)) for _ in range(2000))

    with ThreadPoolExecutor(3) as threads:
        asking = threads.map(ask, range(3))
        for turn in range(3000):
            document_id = f"d{turn % 8}"
            table.remove([document_id])
            table.add(chunk(document_id, 0))
            table.snapshot()
        assert all(count <= 8 for count in asking)
