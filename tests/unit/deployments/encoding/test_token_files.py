"""Token vectors in a file of the node: found again by text, bounded, and never wrong."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from deployments.contracts.vectors import TokenVectors
from deployments.encoding import token_files
from deployments.encoding.config import TokenVectorArgs
from deployments.encoding.quantization import quantize
from deployments.encoding.token_files import TokenFiles
from deployments.node_folder import FOLDER_VARIABLE

DIGEST = "a" * 32
MIB = 2**20


def vectors(seed: int = 0, tokens: int = 3, dimension: int = 8) -> TokenVectors:
    return quantize(np.random.default_rng(seed).normal(size=(tokens, dimension)).astype(np.float32))


def is_same(one: TokenVectors, other: TokenVectors) -> bool:
    return np.array_equal(one.codes, other.codes) and np.array_equal(one.scales, other.scales)


def open_files(folder: Path, *, max_bytes: int = MIB, digest: str = DIGEST) -> TokenFiles:
    return TokenFiles(folder, digest, max_bytes=max_bytes)


def the_file(folder: Path) -> Path:
    [path] = folder.glob("token-vectors/*.sqlite")
    return path


def test_what_one_replica_puts_another_finds(tmp_path: Path) -> None:
    put = {"a passage": vectors(1), "": vectors(2, tokens=1), "\ud800 broken": vectors(3, tokens=9)}
    open_files(tmp_path).put(put)
    found = open_files(tmp_path).get([*put, "a passage ", "a passage"])
    assert found.keys() == put.keys()
    assert all(is_same(found[text], put[text]) for text in put)


def test_more_texts_than_one_question_may_name(tmp_path: Path) -> None:
    files = open_files(tmp_path, max_bytes=64 * MIB)
    put = {f"passage {number}": vectors(number) for number in range(1201)}
    files.put(put)
    assert files.get(put).keys() == put.keys()


def test_models_do_not_share(tmp_path: Path) -> None:
    open_files(tmp_path).put({"text": vectors()})
    assert open_files(tmp_path, digest="b" * 32).get(["text"]) == {}


def test_the_same_text_is_kept_once(tmp_path: Path) -> None:
    files = open_files(tmp_path)
    files.put({"text": vectors(1)})
    files.put({"text": vectors(1), "other": vectors(2)})
    assert files.get(["text", "other"]).keys() == {"text", "other"}


def test_those_that_were_written_first_go(tmp_path: Path) -> None:
    files = open_files(tmp_path, max_bytes=2 * MIB)
    names = [f"passage {number}" for number in range(100)]
    for number, name in enumerate(names):
        files.put({name: vectors(number, tokens=100, dimension=384)})
    known = files.get(names)
    assert known.keys() == set(names[-len(known) :])
    assert 20 < len(known) < 60
    files.close()
    assert the_file(tmp_path).stat().st_size < 2.5 * MIB


def test_what_was_changed_on_the_disk_is_not_given_out(tmp_path: Path) -> None:
    files = open_files(tmp_path)
    files.put({"changed": vectors(1), "whole": vectors(2)})
    files.close()
    with sqlite3.connect(the_file(tmp_path)) as file:
        file.execute("UPDATE passages SET content = zeroblob(length(content)) WHERE place = 1")
    file.close()
    assert open_files(tmp_path).get(["changed", "whole"]).keys() == {"whole"}


@pytest.mark.parametrize(
    "content", [b"no database at all" * 1000, b"SQLite format 3\0" + b"x" * 99]
)
def test_a_damaged_file_is_begun_anew(tmp_path: Path, content: bytes) -> None:
    files = open_files(tmp_path)
    files.put({"text": vectors(1)})
    files.close()
    the_file(tmp_path).write_bytes(content)
    again = open_files(tmp_path)
    assert again.get(["text"]) == {}
    again.put({"text": vectors(1)})
    assert again.get(["text"]).keys() == {"text"}


def test_a_file_damaged_in_the_middle_gives_nothing_wrong(tmp_path: Path) -> None:
    files = open_files(tmp_path, max_bytes=64 * MIB)
    put = {f"passage {number}": vectors(number, tokens=100, dimension=384) for number in range(50)}
    files.put(put)
    files.close()
    path = the_file(tmp_path)
    content = bytearray(path.read_bytes())
    content[len(content) // 4 : len(content) // 2] = bytes(len(content) // 4)
    path.write_bytes(content)
    again = open_files(tmp_path, max_bytes=64 * MIB)
    for _ in range(2):  # the first call may find the damage, the second begins anew
        assert all(is_same(found, put[text]) for text, found in again.get(put).items())
        again.put(put)
    assert all(is_same(found, put[text]) for text, found in again.get(put).items())


def test_where_nothing_can_be_written_all_is_unknown(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "token-vectors").write_text("in the way")
    files = open_files(tmp_path)
    for _ in range(3):
        files.put({"text": vectors()})
        assert files.get(["text"]) == {}
    assert len([line for line in caplog.messages if "in memory alone" in line]) == 1


def test_a_file_that_another_keeps_to_itself_is_not_waited_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_files, "_BUSY_S", 0.05)
    files = open_files(tmp_path)
    files.put({"text": vectors()})
    other = sqlite3.connect(the_file(tmp_path), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    files.put({"late": vectors()})
    assert files.get(["text", "late"]).keys() == {"text"}
    other.execute("COMMIT")
    other.close()
    files.put({"late": vectors()})
    assert files.get(["text", "late"]).keys() == {"text", "late"}


def test_files_of_models_that_nobody_uses_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_files(tmp_path, digest="b" * 32).put({"text": vectors()})
    monkeypatch.setattr(token_files, "_UNUSED_S", -1.0)
    open_files(tmp_path).put({"text": vectors()})
    assert the_file(tmp_path).stem == DIGEST


def test_several_processes_write_at_once(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from tests.unit.deployments.encoding.test_token_files import open_files, vectors\n"
        "files = open_files(Path(sys.argv[1]), max_bytes=2**26)\n"
        "for number in range(50): files.put({f'{sys.argv[2]} {number}': vectors(number)})\n"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(number)])
        for number in range(3)
    ]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0, 0]
    names = [f"{writer} {number}" for writer in range(3) for number in range(50)]
    assert open_files(tmp_path).get(names).keys() == set(names)


def test_only_this_user_may_read_them(tmp_path: Path) -> None:
    open_files(tmp_path / "node").put({"text": vectors()})
    path = the_file(tmp_path / "node")
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


def test_where_there_is_no_folder_or_no_room_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    assert TokenVectorArgs().open_files(DIGEST) is None
    assert TokenVectorArgs(path=str(tmp_path), max_bytes=0).open_files(DIGEST) is None
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    assert TokenVectorArgs().open_files(DIGEST) is not None
    assert TokenVectorArgs(path="").open_files(DIGEST) is None
