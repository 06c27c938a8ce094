"""`ragserve batch` against a service that works on batches."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from app.client.batches import Batches
from tests.unit.app.cli.conftest import Ended
from tests.unit.ragserve.conftest import url as url  # a fixture

Ragserve = Callable[..., Ended]


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    file = tmp_path / "questions.txt"
    file.write_text("What is the capital of France?\n\nAnd of Japan?\n")
    return file


def test_results_are_lines_in_order(ragserve: Ragserve, url: str, questions: Path) -> None:
    ended = ragserve("batch", str(questions), "--url", url)
    assert ended.code == 0, ended.err
    lines = [json.loads(line) for line in ended.out.splitlines()]
    assert [line["custom_id"] for line in lines] == ["line-1", "line-3"]
    assert "2 answered, 0 with a problem, of 2 lines" in ended.err


def test_results_go_to_a_file_and_a_problem_is_an_exit_code(
    ragserve: Ragserve, url: str, tmp_path: Path
) -> None:
    file, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    bodies = [{"query": "Why?"}, {"query": ""}]
    file.write_text(
        "\n".join(
            json.dumps({"custom_id": f"c{place}", "url": "/v1/search", "body": body})
            for place, body in enumerate(bodies)
        )
    )
    ended = ragserve("batch", str(file), "--url", url, "--output", str(output), "--json")
    assert ended.code == 1
    assert json.loads(ended.err)["request_counts"] == {"total": 2, "completed": 1, "failed": 1}
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    assert [line["response"]["status_code"] for line in lines] == [200, 422]
    assert list(tmp_path.glob("*.part")) == []


def test_a_batch_may_be_left_and_taken_up_again(
    ragserve: Ragserve, url: str, questions: Path
) -> None:
    left = ragserve("batch", str(questions), "--url", url, "--detach")
    batch_id = left.out.strip()
    assert batch_id.startswith("batch_")
    again = ragserve("batch", "--resume", batch_id, "--url", url)
    assert again.code == 0
    assert len(again.out.splitlines()) == 2
    cancelled = ragserve("batch", "--cancel", batch_id, "--url", url)
    assert cancelled.code == 1
    assert "it is completed" in cancelled.err


def test_who_stops_it_hears_how_to_go_on(
    ragserve: Ragserve, url: str, questions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Batches, "wait", interrupted)
    ended = ragserve("batch", str(questions), "--url", url)
    assert ended.code == 130
    assert "ragserve batch --resume batch_" in ended.err


def test_mistakes_of_form_are_named_by_their_lines(
    ragserve: Ragserve, url: str, tmp_path: Path
) -> None:
    file = tmp_path / "in.jsonl"
    file.write_text("{no json\n")
    ended = ragserve("batch", str(file), "--url", url)
    assert ended.code == 1
    assert "line 1: It is not JSON." in ended.err
    assert ragserve("batch", "--url", url).code == 1
    assert "cannot be read" in ragserve("batch", str(tmp_path / "no.txt"), "--url", url).err
