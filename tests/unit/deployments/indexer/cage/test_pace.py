"""Processes that read files stand back while questions are answered."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import psutil
import pytest

from deployments.contracts.documents import Document, Upload
from deployments.indexer.cage.limits import ReadingArgs
from deployments.indexer.cage.pace import NO_PACE, Pace
from deployments.indexer.cage.pool import ReaderPool
from deployments.serving.last_question import LastQuestion

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has what it takes")

NOTE = Upload("note.md", b"# Tides\n\nThe tide turns at noon.")
LONG = Upload("long.md", b"A line of a long note that never ends.\n" * 100_000)
LONGER = Upload("longer.md", b"A line of a note that takes a while.\n" * 30_000)
"""Takes some 0.1 seconds of a processor, of which a reader has at least one."""

PARENT = """
import os, signal, sys, psutil
from deployments.contracts.documents import Upload
from deployments.indexer.cage.limits import ReadingArgs
from deployments.indexer.cage.pool import ReaderPool

pool = ReaderPool(ReadingArgs(processes=1))
list(pool.read(Upload("note.md", b"# A note")))
child = psutil.Process().children()[0].pid
os.kill(child, signal.SIGSTOP)
print(child, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


class Held(Pace):
    """Says that it holds a process back, and does not."""

    def hold_back(self, pid: int, stop: Event) -> float:
        return 1e6


@pytest.fixture
def process() -> Iterator[psutil.Process]:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as started:
        yield psutil.Process(started.pid)
        started.kill()


@pytest.fixture
def questions(tmp_path: Path) -> LastQuestion:
    return LastQuestion(tmp_path)


def test_a_process_is_stopped_while_somebody_asks_and_goes_on(
    process: psutil.Process, questions: LastQuestion
) -> None:
    questions.note()
    pace = Pace(questions, 0.01)
    seen = set()
    holding = Thread(target=pace.hold_back, args=(process.pid, Event()))
    holding.start()
    while holding.is_alive():
        seen.add(process.status())
    assert psutil.STATUS_STOPPED in seen
    assert process.status() != psutil.STATUS_STOPPED


def test_it_runs_for_its_share_of_the_time(
    process: psutil.Process, questions: LastQuestion
) -> None:
    questions.note()
    pace = Pace(questions, 0.25)
    assert pace.hold_back(process.pid, Event()) == pytest.approx(3 * pace.look_every_s)


def test_it_is_left_alone_while_nobody_asks(
    process: psutil.Process, questions: LastQuestion
) -> None:
    assert Pace(questions, 0.1).hold_back(process.pid, Event()) == 0
    questions.note()
    time.sleep(0.15)
    assert Pace(questions, 0.1).hold_back(process.pid, Event()) == 0


@pytest.mark.parametrize("pace", [NO_PACE, Pace(None, 0.1)])
def test_nobody_stands_back_where_nobody_can_ask(process: psutil.Process, pace: Pace) -> None:
    assert pace.hold_back(process.pid, Event()) == 0


def test_a_whole_share_stands_back_for_nobody(
    process: psutil.Process, questions: LastQuestion
) -> None:
    questions.note()
    assert Pace(questions, 1.0).hold_back(process.pid, Event()) == 0


def test_it_goes_on_at_once_when_nobody_waits_for_its_file(
    process: psutil.Process, questions: LastQuestion
) -> None:
    questions.note()
    stop = Event()
    stop.set()
    began_s = time.monotonic()
    Pace(questions, 0.0001).hold_back(process.pid, stop)
    assert time.monotonic() - began_s < 20
    assert process.status() != psutil.STATUS_STOPPED


def test_a_reader_takes_less_of_a_processor_while_somebody_asks(questions: LastQuestion) -> None:
    pool = ReaderPool(ReadingArgs(processes=1, memory_mib=8192), pace=Pace(questions, 0.1))
    list(pool.read(NOTE))
    child = psutil.Process(next(iter(pool._readers))._process.pid)

    def share_of_processor() -> float:
        before, began_s = sum(child.cpu_times()[:2]), time.monotonic()
        (document,) = pool.read(LONG)
        assert isinstance(document, Document)
        return (sum(child.cpu_times()[:2]) - before) / (time.monotonic() - began_s)

    alone = share_of_processor()
    is_over = Event()

    def ask() -> None:
        while not is_over.wait(0.02):
            questions.note()

    asking = Thread(target=ask)
    asking.start()
    beside = share_of_processor()
    is_over.set()
    asking.join()
    pool.close()
    assert beside < 0.5 * alone


def test_the_time_for_a_file_stands_still_while_it_is_held_back() -> None:
    pool = ReaderPool(ReadingArgs(processes=1, timeout_s=0.02), pace=Held(None, 1.0))
    assert isinstance(next(pool.read(LONGER)), Document)
    pool.close()


def test_a_request_does_not_wait_longer_for_a_file_that_is_held_back() -> None:
    pool = ReaderPool(ReadingArgs(processes=1), pace=Held(None, 1.0))
    list(pool.read(NOTE))
    assert not isinstance(next(pool.read(LONG, timeout_s=0.05)), Document)
    pool.close()


def test_a_reader_stands_back_for_nobody_in_the_second_half_of_a_request() -> None:
    held = Held(None, 1.0)
    pool = ReaderPool(ReadingArgs(processes=1, timeout_s=0.02), pace=held)
    list(pool.read(NOTE))
    assert not isinstance(next(pool.read(LONGER, patient_s=0.0)), Document), "it was held back"
    assert isinstance(asyncio.run(pool.read_all([LONGER], timeout_s=60.0))[0], Document)
    pool.close()


def test_a_stopped_reader_ends_with_the_process_that_it_reads_for() -> None:
    ran = subprocess.run([sys.executable, "-c", PARENT], capture_output=True, text=True, timeout=60)
    assert ran.returncode == -signal.SIGKILL
    assert ran.stderr == ""
    child = int(ran.stdout)
    until_s = time.monotonic() + 20
    while psutil.pid_exists(child) and psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < until_s
        time.sleep(0.05)
