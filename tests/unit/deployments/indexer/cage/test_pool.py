"""Files are read in child processes: what they give, and what a file cannot do to others."""

import asyncio
import io
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import psutil
import pytest
from openpyxl import Workbook  # type: ignore[import-untyped]

from deployments.contracts.documents import Document, ReadFailure, Upload
from deployments.indexer.cage.limits import ReadingArgs
from deployments.indexer.cage.pool import ReaderPool
from deployments.indexer.documents import read_documents

NOTE = Upload(
    "note.md", "# Tides\n\nThe tide turns at noon: größer, 潮.".encode(), {"n": 2, "f": 2.5}
)
LINES = Upload(
    "lines.jsonl", b'{"id": "a", "text": "one"}\n{"id": \n{"id": "c", "text": "three"}\n'
)
TABLE = Upload("rooms.csv", b"name,seats\nhall,39\n")
NAMED = Upload("own.md", b"# A note", {"team": "a"}, "file-7")
LONG = Upload("long.md", b"A line of a long note that never ends.\n" * 1_200_000)
"""46 MB: its reading takes a second or so, and some hundred MiB."""


@pytest.fixture
def pool() -> Iterator[ReaderPool]:
    pool = ReaderPool(ReadingArgs(processes=1))
    yield pool
    pool.close()


def children() -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process().children()
        if any("indexer.cage.child" in word for word in child.cmdline())
    ]


def wait_for_child() -> psutil.Process:
    until_s = time.monotonic() + 20
    while time.monotonic() < until_s:
        for child in children():
            return child
        time.sleep(0.01)
    raise AssertionError("no child was started")


@pytest.mark.parametrize("upload", [NOTE, LINES, TABLE, NAMED], ids=lambda upload: str(upload.name))
def test_a_child_gives_what_reading_gives(pool: ReaderPool, upload: Upload) -> None:
    assert list(pool.read(upload)) == list(read_documents(upload))


def test_one_child_reads_many_files(pool: ReaderPool) -> None:
    list(pool.read(NOTE))
    child = children()[0].pid
    list(pool.read(LINES))
    assert [other.pid for other in children()] == [child]


def test_a_file_that_takes_too_long_fails_by_name_and_the_next_one_is_read() -> None:
    pool = ReaderPool(ReadingArgs(processes=1, timeout_s=0.4))
    (failure,) = pool.read(LONG)
    assert failure == ReadFailure("long.md", "Reading it takes longer than 0.4 seconds. Split it.")
    assert isinstance(next(pool.read(NOTE)), Document)
    pool.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds the memory of a process")
def test_a_file_that_takes_too_much_memory_fails_by_name_and_the_next_one_is_read() -> None:
    pool = ReaderPool(ReadingArgs(processes=1, memory_mib=128))
    (failure,) = pool.read(LONG)
    assert isinstance(failure, ReadFailure)
    assert "memory" in failure.message
    assert isinstance(next(pool.read(NOTE)), Document)
    pool.close()


def sheets_with_a_hidden_one() -> bytes:
    book = Workbook()
    book.create_sheet("Secret").append(["a hidden word"])
    book["Secret"].sheet_state = "hidden"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize(("hidden", "is_read"), [(False, False), (True, True)])
def test_what_is_hidden_is_read_where_a_setting_says_so(hidden: bool, is_read: bool) -> None:
    pool = ReaderPool(ReadingArgs(processes=1, hidden=hidden))
    (document,) = pool.read(Upload("book.xlsx", sheets_with_a_hidden_one()))
    pool.close()
    assert ("a hidden word" in str(document)) == is_read


def test_a_child_that_dies_fails_its_file_and_the_next_one_is_read(pool: ReaderPool) -> None:
    found: list[Document | ReadFailure] = []
    list(pool.read(NOTE))  # it has started
    thread = Thread(target=lambda: found.extend(pool.read(LONG)))
    thread.start()
    time.sleep(0.1)
    wait_for_child().kill()
    thread.join(20)
    (failure,) = found
    assert isinstance(failure, ReadFailure)
    assert "SIGKILL" in failure.message
    assert isinstance(next(pool.read(NOTE)), Document)


def test_a_child_that_cannot_start_is_no_fault_of_the_file(
    pool: ReaderPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ChildProcessError):
        list(pool.read(NOTE))


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_a_child_knows_no_secret(pool: ReaderPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGSERVE_ADMIN_KEY", "an-operators-key")
    list(pool.read(NOTE))
    environment = Path(f"/proc/{children()[0].pid}/environ").read_bytes()
    assert b"an-operators-key" not in environment


async def test_many_files_come_in_their_order_and_a_bad_one_hurts_none() -> None:
    pool = ReaderPool(ReadingArgs(processes=2))
    bad = Upload("bad.docx", b"no zip")
    found = await pool.read_all([NOTE, bad, TABLE, NOTE], timeout_s=60)
    assert [type(item) for item in found] == [Document, ReadFailure, Document, Document]
    assert [item.path for item in found] == ["note.md", "bad.docx", "rooms.csv", "note.md"]
    pool.close()


async def test_a_request_that_is_over_kills_the_child_that_reads_for_it(pool: ReaderPool) -> None:
    reading = asyncio.ensure_future(pool.read_all([LONG], timeout_s=60))
    child = await asyncio.to_thread(wait_for_child)
    await asyncio.sleep(0.3)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await asyncio.to_thread(child.wait, 5)
    found = await pool.read_all([NOTE], timeout_s=60)
    assert isinstance(found[0], Document)


async def test_a_file_for_which_no_time_is_left_fails_by_name(pool: ReaderPool) -> None:
    (failure,) = await pool.read_all([NOTE], timeout_s=0.0)
    assert failure == ReadFailure("note.md", "There was no time left to read it.")
