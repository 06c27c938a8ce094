"""What grows, and what only wavers."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from app.local.environment import INSTANCE_VARIABLE
from app.local.home import Home
from app.local.state import StackState, write_state
from benchmarks.soak_study.drawing import draw
from benchmarks.soak_study.growth import growth, is_growing
from benchmarks.soak_study.processes import Stack

TIMES_S = np.arange(0, 7200, 30.0).tolist()
NOISE = np.random.default_rng(3).normal(0, 2, len(TIMES_S))


@pytest.mark.parametrize(
    ("percent_per_h", "least", "grows"),
    [(0, 1, False), (1, 1, False), (5, 1, True), (5, 50, False)],
)
def test_a_slope_is_found_in_noise(percent_per_h: float, least: float, grows: bool) -> None:
    found = growth(
        TIMES_S, (300 * (1 + percent_per_h / 100 * np.array(TIMES_S) / 3600) + NOISE).tolist()
    )
    assert found is not None
    assert found.percent_per_h == pytest.approx(percent_per_h, abs=0.5)
    assert is_growing(found, 2.0, least=least) is grows


def test_what_passed_through_is_no_growth() -> None:
    values = 300 + NOISE
    values[-3:] = 900
    found = growth(TIMES_S, values.tolist())
    assert found is not None
    assert not is_growing(found, 2.0, least=1)


def test_too_few_looks_say_nothing() -> None:
    assert growth([0, 30], [1, 2]) is None


def test_processes_of_a_stack_are_looked_at(tmp_path: Path) -> None:
    hold = (
        "import time; kept = bytearray(40_000_000); files = [open('/dev/null')] * 1; time.sleep(60)"
    )
    environment = os.environ | {INSTANCE_VARIABLE: "soak-test"}
    with subprocess.Popen([sys.executable, "-c", hold], env=environment) as process:
        try:
            write_state(
                Home(tmp_path).state_file,
                StackState("soak-test", 0.0, str(tmp_path), "http://127.0.0.1:9", 9, ""),
            )
            stack = Stack(tmp_path)
            ends_s = time.monotonic() + 30
            while not (found := stack.holdings()) or found[0].memory_mib < 40:
                assert time.monotonic() < ends_s
                time.sleep(0.05)
            assert [one.name for one in found] == [f"{Path(sys.executable).name} {process.pid}"]
            assert found[0].files >= 3
            draw([(0.0, found), (30.0, found)], [], tmp_path / "soak.png")
            assert (tmp_path / "soak.png").stat().st_size > 1000
        finally:
            process.kill()


def test_a_folder_without_a_stack_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ragserve up"):
        Stack(tmp_path)
