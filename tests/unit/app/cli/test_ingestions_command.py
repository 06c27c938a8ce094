"""`ragserve ingestions` against a service that works on them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from app.client.ingestions import Ingestions
from tests.unit.app.cli.conftest import Ended
from tests.unit.ragserve.conftest import url as url  # a fixture

Ragserve = Callable[..., Ended]


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    good, bad = tmp_path / "good.md", tmp_path / "bad.pdf"
    good.write_text("# Towers\n\nThe tower of Pisa leans.")
    bad.write_bytes(b"no PDF at all")
    return [str(good), str(bad)]


def test_each_file_is_told_with_its_reason(ragserve: Ragserve, url: str, files: list[str]) -> None:
    ended = ragserve("ingestions", "begin", *files, "--follow", "--url", url)
    assert ended.code == 1, ended.err
    first, second, whole = ended.out.splitlines()
    assert first.split() == ["added", files[0], "1", "chunks"]
    assert second.startswith(f"failed     {files[1]}  ")
    assert whole.endswith("completed  1 of 2 read, 1 failed")


def test_it_goes_on_without_the_command(ragserve: Ragserve, url: str, files: list[str]) -> None:
    begun = ragserve("ingestions", "begin", files[0], "--url", url)
    number = begun.out.strip()
    assert (begun.code, number.startswith("ingest_")) == (0, True)
    ended = ragserve("ingestions", "show", number, "--follow", "--json", "--url", url)
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["status"] in ("added", "unchanged", "updated")
    assert number in ragserve("ingestions", "list", "--url", url).out
    cancelled = ragserve("ingestions", "cancel", number, "--url", url)
    assert cancelled.code == 1
    assert "it is completed" in cancelled.err


def test_who_stops_it_hears_how_to_go_on(
    ragserve: Ragserve, url: str, files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Ingestions, "wait", interrupted)
    ended = ragserve("ingestions", "begin", files[0], "--follow", "--url", url)
    assert ended.code == 130
    assert "ragserve ingestions show ingest_" in ended.err


def test_a_file_that_is_not_there_is_named(ragserve: Ragserve, url: str) -> None:
    ended = ragserve("ingestions", "begin", "/no/such.md", "--url", url)
    assert ended.code == 1
    assert "/no/such.md cannot be read" in ended.err
