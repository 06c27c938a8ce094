"""What is written can be read again, and a picture is a picture."""

import json
from pathlib import Path

import pytest

from benchmarks.load.output import figure, progress, result_of, write_result


def test_a_result_says_where_and_with_what_it_was_measured(tmp_path: Path) -> None:
    result = result_of(configuration={"rate": 3}, results=[1.5])
    write_result(tmp_path / "a.json", result)
    read = json.loads((tmp_path / "a.json").read_text())
    assert read["configuration"] == {"rate": 3}
    assert read["results"] == [1.5]
    assert {"commit", "machine", "python", "measured_at"} <= set(read["environment"])


def test_a_figure_that_is_no_number_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_result(tmp_path / "a.json", result_of(configuration={}, results=float("nan")))
    assert not (tmp_path / "a.json").exists()


def test_a_bar_counts_its_steps_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(3, "first") as steps:
        steps.done("second")
        steps.done("third", steps=2)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "third" in printed.err
    assert "3/3" in printed.err


def test_a_picture_has_its_panels_and_is_written_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    with figure(path, rows=2, columns=2) as panels:
        assert len(panels) == 4
        panels[0].plot([1, 2], [3, 4])
        assert not path.exists()
    assert path.read_bytes().startswith(b"\x89PNG")
