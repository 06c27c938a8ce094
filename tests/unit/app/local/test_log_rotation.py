"""Logs stay within their bound while somebody appends to them."""

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.local.log_rotation import LogLimits, archive_rest, prune, rotate

LIMITS = LogLimits(file_bytes=100, archives=2, folder_bytes=1000)


def test_a_log_within_its_bound_stays(tmp_path: Path) -> None:
    log_file = tmp_path / "a.log"
    log_file.write_bytes(b"x" * 100)
    assert not rotate(log_file, LIMITS)
    assert not rotate(tmp_path / "none.log", LIMITS)
    assert list(tmp_path.iterdir()) == [log_file]


def test_a_writer_goes_on_in_the_same_file(tmp_path: Path) -> None:
    log_file = tmp_path / "a.log"
    with log_file.open("ab", buffering=0) as log:
        for number in range(5):
            log.write(bytes([ord("a") + number]) * 101)
            assert rotate(log_file, LIMITS)
            assert log_file.stat().st_size == 0
        log.write(b"after")
    assert log_file.read_bytes() == b"after", "at the beginning, with no hole before it"
    kept = {path.name: gzip.decompress(path.read_bytes()) for path in tmp_path.glob("*.gz")}
    assert kept == {"a.log.1.gz": b"e" * 101, "a.log.2.gz": b"d" * 101}


def test_lines_of_another_process_are_all_in_the_log_or_its_archives(tmp_path: Path) -> None:
    """Those written while the log is emptied are the exception: it waits for a pause here."""
    log_file = tmp_path / "a.log"
    code = "import sys\nfor line in sys.stdin: print(line.strip() * 30, flush=True)"
    with (
        log_file.open("ab") as log,
        subprocess.Popen(
            [sys.executable, "-S", "-c", code], stdin=subprocess.PIPE, stdout=log, text=True
        ) as writer,
    ):
        assert writer.stdin is not None
        for number in range(2):
            before = log_file.stat().st_size
            writer.stdin.write(f"line{number}\n")
            writer.stdin.flush()
            while log_file.stat().st_size <= before + 100:
                pass
            assert rotate(log_file, LIMITS)
        writer.stdin.write("end\n")
        writer.stdin.close()
    assert log_file.read_text() == "end" * 30 + "\n"
    newest, older = (gzip.decompress((tmp_path / f"a.log.{n}.gz").read_bytes()) for n in (1, 2))
    assert (newest, older) == (b"line1" * 30 + b"\n", b"line0" * 30 + b"\n")


def test_without_archives_a_log_is_emptied(tmp_path: Path) -> None:
    log_file = tmp_path / "a.log"
    log_file.write_bytes(b"x" * 101)
    assert rotate(log_file, LogLimits(file_bytes=100, archives=0))
    assert list(tmp_path.iterdir()) == [log_file]
    assert log_file.read_bytes() == b""


def test_a_full_disk_does_not_keep_a_log_from_being_emptied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    log_file = tmp_path / "a.log"
    log_file.write_bytes(b"x" * 101)
    monkeypatch.setattr("app.local.log_rotation.shutil.copyfileobj", fail)
    assert rotate(log_file, LIMITS)
    assert [(path.name, path.stat().st_size) for path in tmp_path.iterdir()] == [("a.log", 0)]


def test_the_rest_of_an_earlier_run_is_archived(tmp_path: Path) -> None:
    log_file = tmp_path / "a.log"
    archive_rest(log_file, LIMITS)
    assert not log_file.exists()
    log_file.write_bytes(b"died of this")
    archive_rest(log_file, LIMITS)
    archive_rest(log_file, LIMITS)
    assert gzip.decompress((tmp_path / "a.log.1.gz").read_bytes()) == b"died of this"
    assert not (tmp_path / "a.log.2.gz").exists()


def test_the_oldest_go_first_and_nothing_that_may_be_open(tmp_path: Path) -> None:
    now_s = 10 * 86_400.0

    def write(name: str, days: float) -> None:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x" * 300)
        os.utime(path, (now_s - days * 86_400, now_s - days * 86_400))

    write("serve/open.log", 0.5)
    write("serve/ended.log", 3)
    write("serve/open.log.1.gz", 1)
    write("serve/open.log.2", 2)
    (tmp_path / "latest").symlink_to(tmp_path / "serve")
    assert prune([tmp_path], LIMITS, now_s=now_s) == 1
    assert not (tmp_path / "serve" / "open.log.2").exists()
    assert prune([tmp_path], LIMITS, now_s=now_s) == 0
    tight = LogLimits(folder_bytes=0)
    assert prune([tmp_path, tmp_path / "none"], tight, now_s=now_s) == 2
    assert [path.name for path in (tmp_path / "serve").iterdir()] == ["open.log"]
