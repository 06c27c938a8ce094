"""A batch and an ingestion on the shared stack, whose gateway and keeper are killed in between:
each line has one answer, each document one result, and who waits for them notices nothing."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from app.client.client import Client
from app.client.uploads import TextDocument
from tests.integration.cluster import RAGSERVE, REPOSITORY, Cluster, until

pytestmark = pytest.mark.usefixtures("guide")
LINES = 300
DOCUMENTS = 40


@pytest.fixture
def client(cluster: Cluster) -> Iterator[Client]:
    with Client(cluster.url, timeout_s=60) as opened:
        yield opened


def kill(cluster: Cluster, application: str, deployment: str) -> None:
    for pid in cluster.pids(application, deployment).values():
        os.kill(pid, signal.SIGKILL)


def answered(cluster: Cluster) -> int:
    """Returns how many lines of the latest batch are done; -1 while nobody answers."""
    try:
        response = httpx.get(f"{cluster.url}/v1/batches?limit=1", timeout=5)
    except httpx.HTTPError:
        return -1
    if not response.is_success or not response.json()["data"]:
        return -1
    counts: dict[str, int] = response.json()["data"][0]["request_counts"]
    return counts["completed"] + counts["failed"]


def test_each_line_is_answered_once_though_gateway_and_keeper_are_killed(
    cluster: Cluster, client: Client, tmp_path: Path
) -> None:
    questions, output = tmp_path / "questions.txt", tmp_path / "answers.jsonl"
    questions.write_text("".join(f"What is a release, case {n}?\n" for n in range(LINES)))
    texts: list[str | TextDocument] = [
        {"id": f"later-{n}", "text": f"Case {n} of what is read later."} for n in range(DOCUMENTS)
    ]
    ingestion = client.ingestions.begin_documents([*texts, {"id": "?", "text": "A bad id."}])
    before = answered(cluster)
    command = [*RAGSERVE, "batch", str(questions), "--output", str(output), "--json"]
    waiting = subprocess.Popen(
        command,
        cwd=REPOSITORY,
        env=os.environ | {"RAGSERVE_URL": cluster.url},
        stderr=subprocess.PIPE,
        text=True,
    )
    until(lambda: answered(cluster) not in (-1, before, 0), within_s=60, what="lines are answered")
    kill(cluster, "control", "BatchKeeper")
    kill(cluster, "gateway", "Ingress")
    cluster.wait_ready()
    _, told = waiting.communicate(timeout=200)
    assert waiting.returncode == 0, told
    ended: dict[str, Any] = json.loads(told)
    assert ended["status"] == "completed"
    assert ended["request_counts"] == {"total": LINES, "completed": LINES, "failed": 0}
    later = client.ingestions.wait(ingestion.id, poll_s=0.5)
    assert (later.status, later.counts.read, later.counts.failed) == ("completed", DOCUMENTS, 1)
    sources = list(client.ingestions.sources(ingestion.id))
    # One that was written when its reader was killed is `unchanged` for the next.
    assert {one.status for one in sources[:-1]} <= {"added", "unchanged"}
    assert sources[-1].status == "failed"
    assert "id" in sources[-1].message
    for source in sources[:-1]:
        client.delete_document(source.document_id)
    lines = [json.loads(line) for line in output.read_text().split("\n")[:-1]]
    assert [line["custom_id"] for line in lines] == [f"line-{n}" for n in range(1, LINES + 1)]
    assert {line["response"]["status_code"] for line in lines} == {200}


def test_openais_client_cancels_a_batch_and_reads_what_there_is(
    cluster: Cluster, http: httpx.Client
) -> None:
    line = {"custom_id": "", "url": "/v1/embeddings", "body": {"model": "ragserve", "input": "x"}}
    content = "\n".join(json.dumps({**line, "custom_id": f"c{n}"}) for n in range(2000))
    with openai.OpenAI(base_url=f"{cluster.url}/v1", api_key="sk-batches") as client:
        file = client.files.create(file=("in.jsonl", content.encode()), purpose="batch")
        begun = client.batches.create(
            input_file_id=file.id,
            endpoint="/v1/embeddings",
            completion_window="24h",
        )

        def now() -> Any:
            return client.batches.retrieve(begun.id)

        until(lambda: now().request_counts.completed, within_s=30, what="a line is answered")
        client.batches.cancel(begun.id)
        until(lambda: now().status == "cancelled", within_s=30, what="it is cancelled")
        ended = now()
        lines = client.files.content(ended.output_file_id).text.splitlines()
        assert len(lines) == ended.request_counts.completed < 2000
        assert json.loads(lines[0])["response"]["body"]["data"][0]["embedding"]
        assert client.files.delete(ended.output_file_id).deleted
