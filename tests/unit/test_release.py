"""What must be so before a version is tagged, over a real git repository."""

import importlib.util
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

FILE = Path(__file__).parents[2] / ".ci" / "release.py"
PYPROJECT = '[project]\nname = "x"\nversion = "1.2.3"\n'
CHANGELOG = """# Changelog

## [Unreleased]

## [1.2.3] - 2026-11-28

### Added

- A thing.

## [1.2.2] - 2026-01-01
"""


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


release = _load()


def _git(root: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "tag.gpgSign=false"]
    return subprocess.run(
        ["git", *identity, *arguments], cwd=root, check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "t")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "t@localhost")
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    _git(tmp_path, "init", "--quiet")
    _git(tmp_path, "add", ".")
    _git(tmp_path, "commit", "--quiet", "--message", "first")
    return tmp_path


def test_a_version_that_is_ready_is_tagged_once(root: Path) -> None:
    assert release.release(root, "1.2.3") == "v1.2.3"
    assert _git(root, "tag", "--points-at", "HEAD").split() == ["v1.2.3"]
    with pytest.raises(release.NotReleasable, match="exists already"):
        release.release(root, "1.2.3")


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("pyproject.toml", "1.2.3", "1.2.4", "pyproject.toml says 1.2.4"),
        ("CHANGELOG.md", "## [Unreleased]\n", "", "must begin with"),
        ("CHANGELOG.md", "## [Unreleased]\n", "## [Unreleased]\n\n- New.\n", "move what stands"),
        ("CHANGELOG.md", "## [1.2.3] - 2026-11-28", "## [1.2.1] - 2026-11-28", "has no"),
        ("CHANGELOG.md", " - 2026-11-28", "", "needs a date"),
        ("CHANGELOG.md", " - 2026-11-28", " - soon", "needs a date"),
        ("CHANGELOG.md", " - 2026-11-28", " - 2026-13-28", "needs a date"),
        ("CHANGELOG.md", "### Added\n\n- A thing.\n", "", "is empty"),
    ],
)
def test_what_does_not_agree_is_named(file: str, old: str, new: str, says: str) -> None:
    texts = {"pyproject.toml": PYPROJECT, "CHANGELOG.md": CHANGELOG}
    assert old in texts[file]
    texts[file] = texts[file].replace(old, new)
    with pytest.raises(release.NotReleasable, match=says):
        release.check_texts(texts["pyproject.toml"], texts["CHANGELOG.md"], "1.2.3")


@pytest.mark.parametrize("version", ["", "1.2", "v1.2.3", "1.2.3; rm -rf /", "1.2.3.dev0"])
def test_what_is_no_version_is_refused(version: str) -> None:
    with pytest.raises(release.NotReleasable, match="is no version"):
        release.check_version(PYPROJECT, version)


def test_a_tree_with_changes_is_not_tagged(root: Path) -> None:
    (root / "new.py").write_text("")
    with pytest.raises(release.NotReleasable, match=r"not everything is committed:\n\?\? new.py"):
        release.release(root, "1.2.3")
    assert _git(root, "tag", "--list") == ""


def test_the_command_says_why_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert release.main(["0.0.0"]) == 1
    assert "Not released: pyproject.toml says" in capsys.readouterr().err


def test_the_changelog_of_this_project_can_be_read() -> None:
    text = (FILE.parents[1] / "CHANGELOG.md").read_text(encoding="utf-8")
    assert next(iter(release._sections(text))) == "Unreleased"
