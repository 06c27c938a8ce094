"""A file that several begin at once."""

import threading
from pathlib import Path

import pytest

from app.storage.sqlite_file import SqliteFile

TOGETHER = 8


@pytest.mark.parametrize("turn", range(20))
def test_all_who_begin_a_file_at_once_can_use_it(tmp_path: Path, turn: int) -> None:
    tables = ("CREATE TABLE IF NOT EXISTS seen (number INTEGER)",)
    files = [SqliteFile(tmp_path / "shared.db", tables, busy_s=30.0) for _ in range(TOGETHER)]
    gate = threading.Barrier(TOGETHER)
    failures: list[Exception] = []

    def write(file: SqliteFile, number: int) -> None:
        gate.wait()
        try:
            with file.transaction() as connection:
                connection.execute("INSERT INTO seen VALUES (?)", (number,))
        except Exception as error:
            failures.append(error)

    threads = [
        threading.Thread(target=write, args=(file, number)) for number, file in enumerate(files)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    with files[0].transaction() as connection:
        assert connection.execute("SELECT count(*) FROM seen").fetchone() == (TOGETHER,)
    for file in files:
        file.close()
