"""A project whose own packages are called `app` or `deployments`: real ones, and real imports."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.client.errors import CliError
from app.cluster.checks import check_config
from app.cluster.own_packages import foreign_packages, shadow_hint
from app.cluster.serve_config import load_cluster_config

ROOT = Path(__file__).parents[4]
# An editable installation finds modules of ours inside of other packages.
INSTALLED = "import sys; sys.meta_path = [f for f in sys.meta_path if 'editable' not in str(f)]; "


def make_package(folder: Path, name: str) -> Path:
    """Makes somebody's package with a module that ours has, too."""
    package = folder / name
    package.mkdir(parents=True)
    (package / "__init__.py").write_text('"""Somebody\'s."""\n')
    (package / "main.py").write_text('"""Somebody\'s."""\n')
    return package


def python(code: str, *path: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (*path, ROOT)))}
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", INSTALLED + code],
        capture_output=True,
        text=True,
        env=environment,
        cwd="/",
    )


@pytest.mark.parametrize("program", ["main", "haproxy"])
@pytest.mark.parametrize("name", ["app", "deployments"])
def test_the_programs_name_the_package_that_is_in_their_way(
    tmp_path: Path, name: str, program: str
) -> None:
    package = make_package(tmp_path, name)
    ended = python(f"from ragserve.command import {program}; {program}()", tmp_path)
    assert ended.returncode == 1
    assert ended.stderr.startswith(
        f"Error: Python finds another package `{name}` before that of ragserve: {package}"
    )
    assert "Traceback" not in ended.stderr


def test_the_program_runs_where_nothing_is_in_its_way(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()  # a folder that is no package: ours goes before it
    code = "sys.argv[1:] = ['--version']; from ragserve.command import main; main()"
    ended = python(code, tmp_path)
    assert (ended.returncode, ended.stdout[:9]) == (0, "ragserve ")


def test_a_replica_names_another_deployments(tmp_path: Path) -> None:
    package = make_package(tmp_path, "deployments")
    ended = python("import app.builder", tmp_path)
    last = ended.stderr.splitlines()[-1]
    assert last.startswith("ImportError: Python finds another package `deployments` before")
    assert str(package) in last


def test_an_editable_installation_is_ours(tmp_path: Path) -> None:
    code = f"""
import sys
from importlib.util import spec_from_file_location

class Finder:  # as setuptools makes one: what it finds is on no path
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name in ("app", "deployments"):
            folder = f"{ROOT}/{{name}}"
            places = [folder]
            return spec_from_file_location(
                name, folder + "/__init__.py", submodule_search_locations=places
            )

sys.meta_path.insert(0, Finder)
sys.path = [place for place in sys.path if place != "{ROOT}"]
from app.cluster.own_packages import require_own_deployments
require_own_deployments()
"""
    ended = python(code, tmp_path)
    assert ended.returncode == 0, ended.stderr


def test_what_a_replica_says_of_another_app_gets_a_hint(tmp_path: Path) -> None:
    make_package(tmp_path, "app")
    said = python("import app.builder", tmp_path).stderr
    assert "Another package `app` is found before that of ragserve" in shadow_hint(said)
    said = python("from app.main import build", tmp_path).stderr
    assert str(tmp_path / "app" / "main.py") in shadow_hint(said)


@pytest.mark.parametrize(
    ("said", "begins"),
    [
        ("ModuleNotFoundError: No module named 'app'\n", "The nodes do not have the package"),
        ("No module named 'app.builder'; 'app' is not a package", "Another package `app`"),
        ("ModuleNotFoundError: No module named 'application'", ""),
        ("ValueError: the model is not there", ""),
    ],
)
def test_a_hint_fits_what_was_said(said: str, begins: str) -> None:
    hint = shadow_hint(said)
    assert hint.startswith(begins)
    assert bool(hint) == bool(begins)


@pytest.mark.parametrize("name", ["app", "deployments"])
def test_a_config_beside_such_a_package_is_refused(tmp_path: Path, name: str) -> None:
    package = make_package(tmp_path, name)
    (tmp_path / "serve_config.yaml").write_text((ROOT / "serve_config.yaml").read_text())
    with pytest.raises(CliError) as caught:
        check_config(load_cluster_config(tmp_path / "serve_config.yaml"))
    assert caught.value.message.startswith(f"{package} would be taken for the package `{name}`")


def test_a_module_counts_as_a_package_and_ours_does_not(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("")
    assert list(foreign_packages([tmp_path])) == [("app", tmp_path / "app.py")]
    assert list(foreign_packages([ROOT, tmp_path])) == []
