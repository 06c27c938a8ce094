"""The ring of files: bounded, in order, whole or not at all, and handed on by the dead."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deployments.tracing.counters import TraceCounters
from deployments.tracing.spool import Batch, Spool

BLOCK = 4096


@pytest.fixture
def counters() -> TraceCounters:
    return TraceCounters()


@pytest.fixture
def open_spool(tmp_path: Path, counters: TraceCounters) -> Iterator[Callable[..., Spool]]:
    spools = []

    def make(blocks: int = 100) -> Spool:
        spools.append(Spool(tmp_path / "spool", blocks * BLOCK, counters))
        return spools[-1]

    yield make
    for spool in spools:
        spool.close()


def _bodies(spool: Spool) -> list[bytes]:
    bodies = []
    while (batch := spool.take()) is not None:
        bodies.append(batch.body)
        spool.done(batch)
    return bodies


def _files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "spool").rglob("*.batch"))


def test_batches_come_back_in_order(open_spool: Callable[..., Spool], tmp_path: Path) -> None:
    spool = open_spool()
    assert spool.take() is None
    for number in range(12):
        spool.add(Batch(b"body %d" % number, 3))
    assert len(spool) == 12
    assert spool.size_bytes == 12 * BLOCK
    assert _bodies(spool) == [b"body %d" % number for number in range(12)]
    assert spool.size_bytes == 0
    assert _files(tmp_path) == []


def test_the_oldest_batches_make_room(
    open_spool: Callable[..., Spool], counters: TraceCounters, tmp_path: Path
) -> None:
    spool = open_spool(blocks=4)
    for number in range(6):
        spool.add(Batch(b"%d" % number * BLOCK, 10))  # two blocks each, with the header
    assert counters.snapshot().dropped["spool_full"] == 40
    assert counters.snapshot().spooled == 60
    assert sum(file.stat().st_size for file in _files(tmp_path)) <= 4 * BLOCK
    assert [body[:1] for body in _bodies(spool)] == [b"4", b"5"]


def test_a_batch_larger_than_the_spool_is_dropped(
    open_spool: Callable[..., Spool], counters: TraceCounters
) -> None:
    spool = open_spool(blocks=1)
    spool.add(Batch(b"x" * BLOCK, 7))
    assert counters.snapshot().dropped["spool_full"] == 7
    assert counters.snapshot().spooled == 0


def test_what_is_taken_stays_on_disk_until_it_is_done(
    open_spool: Callable[..., Spool], tmp_path: Path
) -> None:
    spool = open_spool(blocks=2)
    spool.add(Batch(b"first", 1))
    taken = spool.take()
    assert taken is not None
    for number in range(3):
        spool.add(Batch(b"%d" % number, 1))
    assert len(_files(tmp_path)) == 2
    spool.put_back(taken)
    assert _bodies(spool) == [b"first", b"2"]


def test_a_batch_goes_behind_the_others_until_they_are_sorted(
    open_spool: Callable[..., Spool],
) -> None:
    spool = open_spool()
    for number in range(3):
        spool.add(Batch(b"%d" % number, 1))
    first = spool.take()
    assert first is not None
    spool.put_back(first, last=True)
    second = spool.take()
    assert second is not None
    assert second.body == b"1"
    spool.put_back(second)
    spool.sort()
    assert _bodies(spool) == [b"0", b"1", b"2"]


def test_a_batch_that_comes_late_takes_its_place(open_spool: Callable[..., Spool]) -> None:
    spool = open_spool()
    first, second = Batch(b"first", 1), Batch(b"second", 1)
    spool.add(second)
    spool.add(first)
    assert _bodies(spool) == [b"first", b"second"]


def test_the_living_keep_their_files_and_the_dead_leave_theirs(
    open_spool: Callable[..., Spool], counters: TraceCounters, tmp_path: Path
) -> None:
    first, second = open_spool(), open_spool()
    first.add(Batch(b"a", 2))
    first.add(Batch(b"b", 3))
    assert second.adopt() == 0
    first.close()
    first.add(Batch(b"late", 1))
    assert counters.snapshot().dropped["shut_down"] == 1
    second.add(Batch(b"c", 4))
    assert second.adopt() == 5
    assert counters.snapshot().adopted == 5
    assert _bodies(second) == [b"a", b"b", b"c"]
    assert second.adopt() == 0
    second.close()
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_killed_process_leaves_its_files(
    open_spool: Callable[..., Spool], tmp_path: Path
) -> None:
    code = f"""
import time
from pathlib import Path
from deployments.tracing.counters import TraceCounters
from deployments.tracing.spool import Batch, Spool
spool = Spool(Path({str(tmp_path / "spool")!r}), 1 << 20, TraceCounters())
spool.add(Batch(b"left", 5))
print("kept", flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"kept\n"
        heir = open_spool()
        assert heir.adopt() == 0
        (folder,) = (file.parent for file in _files(tmp_path))
        (folder / "half.batch.part").write_bytes(b"half")
        process.send_signal(signal.SIGKILL)
    assert heir.adopt() == 5
    assert _bodies(heir) == [b"left"]
    assert not folder.exists()


def test_an_heir_takes_no_more_than_it_has_room_for(
    open_spool: Callable[..., Spool], counters: TraceCounters
) -> None:
    dead = open_spool(blocks=5)
    for number in range(5):
        dead.add(Batch(b"%d" % number, 1))
    dead.close()
    small, large = open_spool(blocks=2), open_spool(blocks=9)
    assert small.adopt() == 2
    assert large.adopt() == 3
    assert _bodies(small) == [b"0", b"1"]
    assert _bodies(large) == [b"2", b"3", b"4"]
    assert counters.snapshot().dropped["spool_full"] == 0


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:5],
        lambda content: content[:-1],
        lambda content: content[:-1] + bytes([content[-1] ^ 1]),
        lambda content: b"JUNK" + content[4:],
    ],
    ids=["empty", "short", "cut", "flipped", "foreign"],
)
def test_damaged_files_are_skipped_and_counted(
    open_spool: Callable[..., Spool],
    counters: TraceCounters,
    tmp_path: Path,
    damage: Callable[[bytes], bytes],
) -> None:
    spool = open_spool()
    spool.add(Batch(b"bad one", 6))
    spool.add(Batch(b"good one", 1))
    bad = _files(tmp_path)[0]
    bad.write_bytes(damage(bad.read_bytes()))
    assert _bodies(spool) == [b"good one"]
    assert counters.snapshot().dropped["corrupted"] == 6
    assert _files(tmp_path) == []
    assert spool.size_bytes == 0


def test_a_file_that_vanished_is_counted(
    open_spool: Callable[..., Spool], counters: TraceCounters, tmp_path: Path
) -> None:
    spool = open_spool()
    spool.add(Batch(b"gone", 2))
    _files(tmp_path)[0].unlink()
    assert spool.take() is None
    assert counters.snapshot().dropped["corrupted"] == 2


def test_a_file_that_cannot_be_read_now_is_kept(
    open_spool: Callable[..., Spool], tmp_path: Path
) -> None:
    spool = open_spool()
    spool.add(Batch(b"whole", 2))
    (file,) = _files(tmp_path)
    aside = file.rename(tmp_path / "aside")
    file.mkdir()  # reading fails, and not because nothing is there
    assert spool.take() is None
    file.rmdir()
    aside.rename(file)
    assert _bodies(spool) == [b"whole"]


def test_a_folder_that_cannot_be_written_loses_spans_and_nothing_else(
    tmp_path: Path, counters: TraceCounters
) -> None:
    (tmp_path / "file").write_bytes(b"")
    spool = Spool(tmp_path / "file" / "spool", 10 * BLOCK, counters)
    spool.add(Batch(b"x", 9))
    assert spool.adopt() == 0
    assert spool.take() is None
    spool.close()
    assert counters.snapshot().dropped["spool_failed"] == 9


def test_only_this_user_may_read_the_spool(
    open_spool: Callable[..., Spool], tmp_path: Path
) -> None:
    open_spool().add(Batch(b"text of a user", 1))
    (file,) = _files(tmp_path)
    assert file.parent.stat().st_mode & 0o077 == 0
    assert file.parent.parent.stat().st_mode & 0o077 == 0
