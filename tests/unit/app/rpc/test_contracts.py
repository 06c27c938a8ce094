"""The code that is generated from the contracts is that of the contracts that stand there, and the
contracts take nothing back that was released."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
CONTRACTS = re.findall(r"^CONTRACTS := (.+)$", MAKEFILE, re.MULTILINE)[0].split()
BUF = shutil.which("buf", path=str(Path(sys.executable).parent)) or shutil.which("buf")


def test_every_contract_is_one_that_code_is_generated_from() -> None:
    assert sorted(CONTRACTS) == sorted(
        str(file.relative_to(ROOT)) for file in (ROOT / "ragserve").rglob("*.proto")
    )


def test_generated_code_is_current(tmp_path: Path) -> None:
    pytest.importorskip("grpc_tools")
    outputs = [f"--{kind}_out={tmp_path}" for kind in ("python", "pyi", "grpc_python")]
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I.", *outputs, *CONTRACTS]
    subprocess.run(command, check=True, cwd=ROOT)
    made = sorted(file.relative_to(tmp_path) for file in tmp_path.rglob("*_pb2*"))
    assert len(made) == 3 * len(CONTRACTS)
    for file in made:
        current = (ROOT / file).read_bytes()
        assert (tmp_path / file).read_bytes() == current, f"{file}: run `make grpc`"


@pytest.mark.parametrize(
    "arguments", [["lint"], ["breaking", "--against", ".ci/contracts.json"]], ids=" ".join
)
def test_contracts_are_held_to_their_rules(arguments: list[str]) -> None:
    if BUF is None:
        pytest.skip("buf is not installed: the package buf-bin has it")
    done = subprocess.run([BUF, *arguments], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
