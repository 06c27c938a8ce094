"""A whole service in a file and back, by the commands that an operator types."""

import shutil
import sqlite3
import zipfile
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from app.cli.main import app
from deployments.control.database import migrate, parse_url
from deployments.retriever.chroma.store import ChromaStore
from deployments.retriever.config import StoreArgs
from tests.unit.app.backup.conftest import MakeStore, indexed
from tests.unit.app.backup.test_documents import answers


@pytest.fixture
def service(
    make_store: MakeStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, StoreArgs]:
    """A service's config and store, with two documents and a tenant."""
    args = make_store()
    ChromaStore(args).replace([indexed("d", "amber"), indexed("e", "cobalt", sequence=2)])
    url = f"sqlite:///{tmp_path / 'control.db'}"
    monkeypatch.setenv("RAGSERVE_DATABASE_URL", url)
    migrate(parse_url(url))  # as a service that has run does
    return config_of(args, tmp_path / "config.yaml"), args


def config_of(args: StoreArgs, file: Path) -> Path:
    retrieval = {
        "name": "retrieval",
        "import_path": "app.builder:build_retrieval",
        "args": {"store": {"path": args.path, "collection": args.collection}},
    }
    file.write_text(yaml.safe_dump({"applications": [retrieval]}))
    return file


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def error(result: Result) -> str:
    assert result.exception is not None
    return str(result.exception)


def test_an_emptied_service_has_all_again(service: tuple[Path, StoreArgs], tmp_path: Path) -> None:
    config, args = service
    file = tmp_path / "copy.zip"
    taken = run("backup", file, "--config", config)
    assert taken.exit_code == 0, taken.output
    assert "2 documents" in taken.output
    assert file.stat().st_mode & 0o077 == 0
    before = answers(args)
    store = ChromaStore(args)
    store.delete("d")
    store.delete("e")
    (tmp_path / "control.db").unlink()
    restored = run("restore", file, "--config", config)
    assert restored.exit_code == 0, restored.output
    assert answers(args) == before
    with sqlite3.connect(tmp_path / "control.db") as database:
        assert database.execute("SELECT count(*) FROM tenants").fetchone() == (1,)


def test_what_is_there_is_not_overwritten_unless_it_is_said(
    service: tuple[Path, StoreArgs], tmp_path: Path
) -> None:
    config, args = service
    file = tmp_path / "copy.zip"
    run("backup", file, "--config", config)
    ChromaStore(args).replace([indexed("f", "olive", sequence=3)])
    refused = run("restore", file, "--config", config)
    assert refused.exit_code == 1
    assert "not empty: 3 documents" in error(refused)
    assert ChromaStore(args).records(["f"])
    assert run("restore", file, "--config", config, "--replace").exit_code == 0
    assert not ChromaStore(args).records(["f"])
    assert ChromaStore(args).records(["d", "e"]).keys() == {"d", "e"}


def test_a_backup_is_never_written_over_another(
    service: tuple[Path, StoreArgs], tmp_path: Path
) -> None:
    file = tmp_path / "copy.zip"
    file.write_text("something")
    assert "is there already" in error(run("backup", file, "--config", service[0]))
    assert file.read_text() == "something"


@pytest.mark.parametrize("damage", ["cut", "changed", "no zip", "unfinished"])
def test_a_damaged_file_changes_nothing(
    service: tuple[Path, StoreArgs], tmp_path: Path, damage: str
) -> None:
    config, args = service
    file = tmp_path / "copy.zip"
    run("backup", file, "--config", config)
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:-200])
    elif damage == "changed":
        content = bytearray(file.read_bytes())
        content[120:130] = b"\0" * 10
        file.write_bytes(bytes(content))
    elif damage == "no zip":
        file.write_text("{}")
    else:
        whole, part = tmp_path / "whole.zip", tmp_path / "part.zip"
        shutil.move(file, whole)
        with zipfile.ZipFile(whole) as old, zipfile.ZipFile(part, "w") as new:
            for name in old.namelist()[:-1]:
                new.writestr(name, old.read(name))
        shutil.move(part, file)
    before = answers(args)
    refused = run("restore", file, "--config", config, "--replace")
    assert refused.exit_code == 1
    assert "backup" in error(refused)
    assert answers(args) == before


def test_nothing_is_left_of_a_backup_that_failed(
    service: tuple[Path, StoreArgs], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAGSERVE_DATABASE_URL", "postgresql://127.0.0.1:9/none")
    failed = run("backup", tmp_path / "copy.zip", "--config", service[0])
    assert failed.exit_code == 1
    assert not list(tmp_path.glob("copy*"))


def test_who_says_no_database_is_asked_for_one(
    service: tuple[Path, StoreArgs], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAGSERVE_DATABASE_URL")
    asked = run("backup", tmp_path / "copy.zip", "--config", service[0])
    assert "Where is the control database" in error(asked)
