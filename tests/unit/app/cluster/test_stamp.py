"""Which code a config is for: other code makes another config of it."""

from pathlib import Path
from typing import Any

import pytest

from app.cluster import stamp
from app.cluster.serve_config import ServeConfig
from app.cluster.stamp import code_version, stamped


def config(**application: Any) -> ServeConfig:
    ours = {"name": "gateway", "import_path": "app.builder:build_gateway"} | application
    return ServeConfig(Path("serve_config.yaml"), {"applications": [ours]})


def variables(given: ServeConfig) -> Any:
    return stamped(given).document["applications"][0]["runtime_env"]["env_vars"]


def test_each_application_of_ours_says_its_version() -> None:
    assert variables(config()) == {"RAGSERVE_VERSION": code_version()}
    assert "+" in code_version()


def test_other_code_is_another_config(monkeypatch: pytest.MonkeyPatch) -> None:
    before = stamped(config()).fingerprint
    assert stamped(config()).fingerprint == before
    monkeypatch.setattr(stamp, "code_version", lambda: "0.2.0+00000000")
    assert stamped(config()).fingerprint != before


def test_what_the_file_says_of_the_environment_stays() -> None:
    given = {"env_vars": {"A": "1", "RAGSERVE_VERSION": "mine"}, "working_dir": "s3://x"}
    assert stamped(config(runtime_env=given)).document["applications"][0]["runtime_env"] == given


def test_applications_of_others_are_left_alone() -> None:
    other = config(import_path="mine:build")
    assert stamped(other).document == other.document


def test_the_digest_is_of_the_sources_and_of_nothing_that_python_makes_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "app" / "cluster").mkdir(parents=True)
    monkeypatch.setattr(stamp, "__file__", str(tmp_path / "app" / "cluster" / "stamp.py"))
    found = []
    for name, text in [("a.py", "1"), ("a.pyc", "x"), ("a.py", "2"), ("b.lua", "2")]:
        (tmp_path / "app" / name).write_text(text)
        code_version.cache_clear()
        found.append(code_version())
    code_version.cache_clear()
    assert found[0] == found[1]
    assert len(set(found)) == 3
