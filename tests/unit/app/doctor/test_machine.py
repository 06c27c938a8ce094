"""The machine itself: bad states that can be made are made."""

import resource
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.doctor.finding import Verdict, ok, warning, worst, wrong
from app.doctor.machine import (
    check_clock,
    check_memory,
    check_open_files,
    check_python,
    check_shared_memory,
)

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.fixture
def few_files() -> Iterator[int]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1000, hard))
    yield 1000
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize(
    ("version", "verdict"),
    [((3, 10), "wrong"), ((3, 11), "ok"), ((3, 13), "ok"), ((3, 14), "warning")],
)
def test_pythons(version: tuple[int, int], verdict: str) -> None:
    assert check_python(version).verdict == verdict


def test_this_python_is_one_that_the_package_runs_on() -> None:
    assert check_python().verdict == "ok"


def test_memory_that_does_not_suffice() -> None:
    assert check_memory(needed_bytes=1).verdict == "ok"
    finding = check_memory(needed_bytes=2**60)
    assert (finding.verdict, finding.remedy[:5]) == ("warning", "Free ")


def test_shared_memory_that_does_not_suffice(tmp_path: Path) -> None:
    assert check_shared_memory(tmp_path, needed_bytes=1).verdict == "ok"
    finding = check_shared_memory(tmp_path, needed_bytes=2**60)
    assert (finding.verdict, "--shm-size" in finding.remedy) == ("warning", True)
    assert check_shared_memory(tmp_path / "none").verdict == "ok"


def test_a_low_limit_of_open_files(few_files: int) -> None:
    finding = check_open_files()
    assert finding.verdict == "warning"
    assert finding.found.startswith(f"{few_files} ")
    assert check_open_files(needed=few_files).verdict == "ok"


@pytest.mark.parametrize(
    ("off_s", "verdict", "found"),
    [
        (1, "ok", "1 s ahead of Chroma"),
        (-30, "warning", "30 s behind Chroma"),
        (90, "wrong", "90 s ahead of Chroma"),
    ],
)
def test_clocks_that_disagree(off_s: int, verdict: str, found: str) -> None:
    others = {"MLflow": NOW, "Chroma": NOW - timedelta(seconds=off_s)}
    finding = check_clock(NOW, others)
    assert (finding.verdict, finding.found) == (verdict, found)


def test_a_clock_without_company_is_no_failure() -> None:
    assert check_clock(NOW, {}).verdict == "ok"


def test_the_worst_verdict_counts() -> None:
    assert worst([]) is Verdict.OK
    assert worst([ok("a", ""), wrong("b", "", ""), warning("c", "", "")]) is Verdict.WRONG
