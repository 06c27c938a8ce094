"""The wheel holds everything that the code reads at run time, and nothing else."""

import os
import subprocess
import sys
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

from tests.unit.packaging.conftest import ROOT, build_wheel

PACKAGES = ("app", "deployments", "ragserve")
READERS = {
    "the configs that `ragserve init` writes": """
from pathlib import Path
from app.cli.init import init
init(Path("made"), cluster=True, gpu=True)
assert len(list(Path("made").glob("serve_config*.yaml"))) == 3
""",
    "every prompt": """
from pathlib import Path
from deployments.generator import prompting
names = sorted(file.stem for file in prompting._FOLDER.glob("*.jinja"))
assert "answer-v2" in names and "tools-v1" in names, names
for name in names:
    prompting._ENVIRONMENT.get_template(name + ".jinja")
""",
    "the script of limits": """
from app.limits.stores.redis_store import _SCRIPT
assert "redis.call" in _SCRIPT.text
""",
    "the questions of a calibration": """
from app.operations.foreign_questions import foreign_questions
assert len(foreign_questions()) > 50
""",
    "the migrations": """
from deployments.control.store import ControlStore
store = ControlStore("sqlite:///control.db")
store.upgrade()
store.close()
""",
    "the chart": """
from app.cluster.chart.render import render_chart
assert "rayservice.yaml" in render_chart({}, release="one", namespace="two")
""",
    "the contracts over gRPC": """
from importlib.resources import files
from ragserve.inference.open_inference_pb2_grpc import GRPCInferenceServiceStub
from ragserve.v1.rag_pb2_grpc import RagStub
assert "service Rag {" in (files("ragserve.v1") / "rag.proto").read_text()
protocol = files("ragserve.inference") / "open_inference.proto"
assert "service GRPCInferenceService {" in protocol.read_text()
""",
    "the dashboard": """
import json
from importlib.resources import files
json.loads((files("deployments.telemetry") / "grafana.json").read_text())
""",
}


@pytest.fixture(scope="session")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def tracked() -> set[str]:
    """Returns what git tracks of the packages, and of the folders that they link to."""
    names = set()
    for name in listed(*PACKAGES):
        if (ROOT / name).is_dir():
            target = (ROOT / name).resolve().relative_to(ROOT).as_posix()
            names |= {name + file.removeprefix(target) for file in listed(target)}
        else:
            names.add(name)
    return {name for name in names if not name.endswith("/.helmignore")}


def listed(*places: str) -> set[str]:
    """Returns what git tracks of some folders."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--", *places], cwd=ROOT, capture_output=True, check=True
    ).stdout
    return {name for name in names.decode().split("\0") if name}


def test_it_has_every_file_of_the_packages_and_no_other(unpacked: Path) -> None:
    held = {file.relative_to(unpacked).as_posix() for file in unpacked.rglob("*") if file.is_file()}
    own = {name for name in held if ".dist-info/" not in name}
    assert own == tracked()
    assert [
        name for name in own if (unpacked / name).read_bytes() != (ROOT / name).read_bytes()
    ] == []


@pytest.mark.parametrize("what", READERS)
def test_the_code_finds_in_it_what_it_reads(unpacked: Path, tmp_path: Path, what: str) -> None:
    # An editable installation would lend it the files of the working tree.
    alone = "import sys; sys.meta_path = [f for f in sys.meta_path if 'editable' not in str(f)]\n"
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", alone + READERS[what]],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(unpacked)},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr


def test_its_metadata_says_what_it_is(unpacked: Path) -> None:
    [file] = unpacked.glob("*.dist-info/METADATA")
    metadata = message_from_bytes(file.read_bytes())
    assert "Typing :: Typed" in metadata.get_all("Classifier", [])
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Keywords"]


def test_the_same_content_gives_the_same_bytes(wheel: Path, tmp_path: Path) -> None:
    (ROOT / "app" / "py.typed").touch()  # a checkout of another day
    again = build_wheel(tmp_path, umask=0o077)
    assert again.name == wheel.name
    assert again.read_bytes() == wheel.read_bytes()
