"""When a question was last worked on, told from process to process of a node."""

import math
import multiprocessing
import struct
import time
from pathlib import Path

import pytest

from deployments.node_folder import FOLDER_VARIABLE
from deployments.serving.last_question import LastQuestion


def note_in(folder: Path) -> None:
    LastQuestion(folder).note()


def test_nobody_asked_yet(tmp_path: Path) -> None:
    assert LastQuestion(tmp_path).age_s() == math.inf


def test_another_process_of_the_node_knows_of_it(tmp_path: Path) -> None:
    questions = LastQuestion(tmp_path / "made")
    process = multiprocessing.get_context("spawn").Process(
        target=note_in, args=(tmp_path / "made",)
    )
    began_s = time.monotonic()
    process.start()
    process.join()
    assert 0 <= questions.age_s() <= time.monotonic() - began_s


def test_without_a_folder_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    questions = LastQuestion.of_node()
    questions.note()
    assert questions.age_s() == math.inf


def test_the_folder_of_the_node_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    LastQuestion.of_node().note()
    assert LastQuestion(tmp_path).age_s() < 60


def test_what_was_noted_before_the_machine_started_again_is_forgotten(tmp_path: Path) -> None:
    questions = LastQuestion(tmp_path)
    (tmp_path / "last-question").write_bytes(struct.pack("=d", time.monotonic() + 1e6))
    assert questions.age_s() == math.inf


def test_a_folder_that_cannot_be_written_harms_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    questions = LastQuestion(tmp_path / "file")
    questions.note()
    assert questions.age_s() == math.inf
