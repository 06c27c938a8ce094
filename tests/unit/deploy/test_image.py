"""How the image is described: what the chart and KubeRay rely on."""

import importlib.util
import json
import re
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from tests.unit.deploy.charts import ROOT

FOLDER = ROOT / "deploy/image"
TEXT = (FOLDER / "Containerfile").read_text(encoding="utf-8")


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.chdir(ROOT)
    spec = importlib.util.spec_from_file_location("locked", FOLDER / "locked.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_hadolint_finds_nothing(hadolint: str) -> None:
    done = subprocess.run(
        [hadolint, str(FOLDER / "Containerfile")], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout


def test_it_runs_as_nobody_and_has_what_probes_call() -> None:
    last = TEXT[TEXT.rindex("\nFROM ") :]
    assert re.findall(r"^USER (.*)$", last, re.MULTILINE) == ["1000:1000"]
    assert "command -v bash && command -v wget" in last
    assert "RAY_SERVE_HAPROXY_BINARY_PATH=/opt/ragserve/bin/ragserve-haproxy" in last


def test_every_base_is_an_argument() -> None:
    assert {line.split()[1] for line in re.findall(r"^FROM .*$", TEXT, re.MULTILINE)} == {
        "${BASE_IMAGE}"
    }


def test_it_wants_the_extras_that_it_names(locked: ModuleType) -> None:
    plain, more = locked.requirements("serve"), locked.requirements("serve,postgresql")
    assert any(line.startswith("ray[serve]") for line in plain)
    assert [line for line in more if line not in plain] == ["psycopg[binary]>=3.2,<4"]


def test_what_the_lock_does_not_name_is_found(
    locked: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Package:
        def __init__(self, name: str, version: str) -> None:
            self.name, self.version = name, version

    torch, _ = locked.entries()["torch"]
    there = [Package("torch", f"{torch}+cpu"), Package("Left_Pad", "1.0"), Package("ray", "1.0")]
    monkeypatch.setattr(locked.importlib.metadata, "distributions", lambda: there)
    assert locked.unlocked() == ["left-pad==1.0", "ray==1.0"]
    assert locked.main(["--verify", "serve"]) == 1
    assert "not in requirements.lock: left-pad==1.0" in capsys.readouterr().err
    assert locked.main(["--verify", "serve,vllm"]) == 0


def test_what_pip_has_found_is_held_to_hashes(locked: ModuleType, tmp_path: Path) -> None:
    found = [("torch", "2.13.0+cpu"), ("PyYAML", locked.entries()["pyyaml"][0]), ("left-pad", "1")]
    report = tmp_path / "report.json"
    install = [{"metadata": {"name": name, "version": version}} for name, version in found]
    report.write_text(json.dumps({"install": install}))
    torch, yaml, stranger = locked.hashed(report)
    assert torch.startswith("torch==2.13.0+cpu --hash=sha256:")
    assert re.match(r"pyyaml==\S+ --hash=sha256:[0-9a-f]{64} ", yaml)
    assert stranger == "left-pad==1"


def test_bounds_name_every_package_of_the_lock(locked: ModuleType) -> None:
    lines = locked.bounds()
    assert len(lines) > 200
    assert all(re.fullmatch(r"[a-z0-9._-]+==[^\s;\\]+", line) for line in lines)
