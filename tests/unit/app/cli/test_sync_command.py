"""`ragserve sync` against a service that takes documents in."""

import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.unit.app.cli.conftest import Ended
from tests.unit.ragserve.conftest import url as url  # a fixture

Ragserve = Callable[..., Ended]


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.md").write_text("The first.")
    (folder / "b.md").write_text("The second.")
    return folder


def paths(url: str, docs: Path) -> list[str]:
    documents = httpx.get(f"{url}/v1/documents?limit=1000").json()["documents"]
    found = [one["path"] for one in documents if one["path"].startswith(str(docs))]
    return sorted(path.removeprefix(f"{docs}/") for path in found)


def test_the_index_is_as_the_folder(ragserve: Ragserve, url: str, docs: Path) -> None:
    first = ragserve("sync", str(docs), "--url", url)
    assert first.code == 0, first.err
    assert "2 added, 0 updated, 0 deleted" in first.out.replace("\n", " ")
    (docs / "a.md").unlink()
    (docs / "b.md").write_text("Changed.")
    second = ragserve("sync", str(docs), "--url", url)
    assert "0 added, 1 updated, 1 deleted" in second.out.replace("\n", " ")
    assert paths(url, docs) == ["b.md"]


def test_a_place_without_files_or_answer_deletes_nothing(
    ragserve: Ragserve, url: str, docs: Path
) -> None:
    ragserve("sync", str(docs), "--url", url)
    for file in docs.iterdir():
        file.unlink()
    ended = ragserve(
        "sync", str(docs), "git+/no/such/repository", "--url", url, "--home", str(docs)
    )
    assert ended.code == 1
    assert "nothing is deleted" in ended.out.replace("\n", " ")
    assert "/no/such/repository: " in ended.out
    assert paths(url, docs) == ["a.md", "b.md"]


def test_a_file_that_cannot_be_read_is_named_and_the_rest_goes_on(
    ragserve: Ragserve, url: str, docs: Path
) -> None:
    (docs / "bad.pdf").write_bytes(b"no PDF at all")
    ended = ragserve("sync", str(docs), "--url", url)
    assert ended.code == 1
    assert "bad.pdf" in ended.out
    assert paths(url, docs) == ["a.md", "b.md"]


def test_it_looks_again_until_it_is_stopped(
    ragserve: Ragserve, url: str, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds: list[float] = []

    def change(seconds: float) -> None:
        rounds.append(seconds)
        if len(rounds) == 1:
            (docs / "c.md").write_text("The third.")
        elif len(rounds) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", change)
    ended = ragserve("sync", str(docs), "--url", url, "--every", "7")
    assert ended.code == 130
    assert rounds == [7.0] * 3
    assert paths(url, docs) == ["a.md", "b.md", "c.md"]
    # The second round found a file more, the third one nothing.
    assert ended.out.count(" added,") == 2
