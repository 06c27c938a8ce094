"""Both commands from options to results, against the real application over doubles."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from benchmarks import answers, retrieval
from benchmarks.quality.mlflow_runs import EXPERIMENT
from benchmarks.quality.over_http import OverHttp
from benchmarks.quality.subject import Asked
from deployments.tracking.mlflow.server import open_client

TEXTS = {
    "tower": "The tower of iron stands in Paris since 1889.",
    "bread": "Bread needs flour and salt and water.",
    "queue": "A full queue is answered with status 503.",
}
QUESTIONS: list[dict[str, Any]] = [
    {"id": "1", "question": "Since when stands the tower of iron?", "answers": ["1889"]},
    {"id": "2", "question": "Who owns the tower of iron?", "answers": [], "answerable": False},
]


def lines(records: Sequence[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "small"
    folder.mkdir()
    corpus = [{"id": one, "title": "", "text": text} for one, text in TEXTS.items()]
    queries: list[dict[str, str]] = [{"id": one, "text": text} for one, text in TEXTS.items()]
    queries.append({"id": "none", "text": "none"})
    (folder / "corpus.jsonl").write_text(lines(corpus))
    (folder / "queries.jsonl").write_text(lines(queries))
    (folder / "qrels.tsv").write_text("".join(f"{one}\t{one}\t1\n" for one in TEXTS))
    (folder / "qa.jsonl").write_text(lines(QUESTIONS))
    return folder


async def run(main: Any, *arguments: object) -> str:
    """Returns what a command prints; the service answers meanwhile."""
    app = typer.Typer()
    app.command()(main)
    texts = [str(one) for one in arguments]
    done = await asyncio.to_thread(CliRunner().invoke, app, texts, env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.filterwarnings("ignore:.*noload:DeprecationWarning")  # MLflow's own store
async def test_retrieval_is_measured_shown_and_kept(
    folder: Path, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    database = f"sqlite:///{tmp_path / 'mlflow.db'}"
    output = tmp_path / "result.json"
    printed = await run(
        retrieval.main,
        *("--data", folder, "--http", url, "--stages", "dense,reranked", "--top-k", 20, "--clean"),
        *("--output", output, "--mlflow", database),
    )
    assert "small: 3 queries, 3 documents, 3 chunks" in printed
    assert "1 queries are left out" in printed
    result = json.loads(output.read_text())
    assert result["configuration"]["top_k"] == 20
    assert result["configuration"]["release"] == "one"
    stages = result["results"]["small"]["stages"]
    assert list(stages) == ["dense", "reranked"]
    assert stages["dense"]["ndcg_at_10"] == {"value": 1.0, "ci95": [1.0, 1.0]}
    assert stages["dense"]["timed"] == 3
    async with OverHttp(url, where=None) as service:
        asked = Asked("tower", "dense", rerank=False, top_k=9, top_n=9)
        assert (await service.search(asked)).paths == ()

    client = open_client(database)
    experiment = client.get_experiment_by_name(EXPERIMENT)
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    assert {one.info.run_name for one in runs} == {"small dense", "small reranked"}
    assert {one.data.metrics["ndcg_at_10"] for one in runs} == {1.0}


async def test_answers_are_measured_and_shown(folder: Path, tmp_path: Path, url: str) -> None:
    output = tmp_path / "result.json"
    printed = await run(
        answers.main, "--data", folder, "--http", url, "--output", output, "--sample", 5
    )
    assert "2 questions, 1 of them answerable" in printed
    found = json.loads(output.read_text())["results"]["small"]
    assert found["gold_in_answer"]["value"] == 1.0
    assert found["gold_in_cited"]["value"] == 1.0
    assert found["coverage"]["value"] == 1.0
    assert {"grounded", "score"} <= set(found["auroc"])
