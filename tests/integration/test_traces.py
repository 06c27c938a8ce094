"""Every answer on record: traces of the shared stack in a real MLflow server, which is killed
meanwhile, as is the gateway."""

import gzip
import json
import os
import secrets
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.peers.mlflow_server import MlflowServer
from deployments.tracking.mlflow.server import open_client
from tests.integration.cluster import Cluster, until
from tests.pii import PII_VALUES, is_written

pytestmark = pytest.mark.usefixtures("guide")
QUESTION = "What happens when a queue is full?"
API_KEY = "sk-a-secret-that-nobody-may-write-down-0123456789"
SENT_EVERY_S = 0.3
"""What the fixture of the stack sets."""
_SPOOL_HEADER_BYTES = 8


class Traces:
    """The traces in MLflow, and requests whose traces are known by their ids."""

    def __init__(self, mlflow: MlflowServer, http: httpx.Client) -> None:
        self._mlflow = mlflow
        self._http = http

    def ask(self, body: dict[str, Any], path: str = "/v1/query", **headers: str) -> str:
        """Asks, and returns the id of the trace."""
        theirs = secrets.token_hex(16)
        response = self._http.post(
            path,
            json=body,
            headers={"traceparent": f"00-{theirs}-00f067aa0ba902b7-01", **headers},
        )
        assert response.status_code == 200, response.text
        trace_id = response.headers["traceparent"].split("-")[1]
        assert trace_id != theirs, "nobody chooses the trace that he is recorded in"
        return str(trace_id)

    def get(self, trace_id: str) -> Any:
        """Returns a trace as soon as it is there."""
        client = open_client(self._mlflow.url)
        until(lambda: self.missing([trace_id]) == [], within_s=20, what="the trace is in MLflow")
        return client.get_trace(f"tr-{trace_id}")

    def missing(self, trace_ids: list[str]) -> list[str]:
        """Returns which are not there."""
        client = open_client(self._mlflow.url)
        found = client.get_experiment_by_name("ragserve")
        stored: set[str] = set()
        token = None
        while found is not None:
            page = client.search_traces(
                locations=[found.experiment_id],
                max_results=500,
                page_token=token,
                include_spans=False,
            )
            stored |= {trace.info.trace_id.removeprefix("tr-") for trace in page}
            token = page.token
            if not token:
                break
        return [one for one in trace_ids if one not in stored]

    def await_all(self, trace_ids: list[str], within_s: float = 60) -> None:
        """Returns when all are there."""
        until(lambda: not self.missing(trace_ids), within_s=within_s, what="all traces are there")


@pytest.fixture
def traces(mlflow: MlflowServer, http: httpx.Client) -> Traces:
    return Traces(mlflow, http)


@pytest.fixture
def killed(mlflow: MlflowServer) -> Iterator[MlflowServer]:
    """MLflow is away while the test lasts, or until it starts it."""
    mlflow.kill()
    yield mlflow
    if not mlflow.is_running:
        mlflow.start()


def test_a_trace_shows_stages_documents_tokens_and_who_asked(traces: Traces) -> None:
    asked = {"query": QUESTION, "session_id": "chat-7", "user": "alice"}
    trace = traces.get(traces.ask(asked))
    spans = {span.name: span for span in trace.data.spans}
    assert set(spans) == {
        "POST /v1/query",
        "embedder",
        "retriever",
        "dense",
        "lexical",
        "reranker",
        "generator",
        "prompt",
        "write",
    }
    names = {span.span_id: span.name for span in spans.values()}
    assert names[spans["dense"].parent_id] == "retriever"
    assert names[spans["prompt"].parent_id] == "generator"
    root = spans["POST /v1/query"]
    assert root.inputs == {"question": QUESTION}
    assert "503" in root.outputs["answer"]
    for stage in ("embedder", "retriever", "reranker", "generator"):
        assert names[spans[stage].parent_id] == "POST /v1/query"
        assert root.start_time_ns <= spans[stage].start_time_ns
        assert spans[stage].end_time_ns <= root.end_time_ns
    documents = spans["retriever"].outputs
    assert "queue" in documents[0]["page_content"]
    assert documents[0]["metadata"]["doc_uri"].startswith("docs/")
    assert spans["embedder"].attributes["ragserve.batch_size"] >= 1
    info = trace.info
    assert str(info.state).endswith("OK")
    usage = json.loads(info.trace_metadata["mlflow.trace.tokenUsage"])
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"] > 100
    assert info.trace_metadata["mlflow.trace.session"] == "chat-7"
    assert info.trace_metadata["mlflow.trace.user"] == "alice"
    assert info.tags["ragserve.release"] == "minilm-extractive"


def test_a_stream_is_on_record_with_its_whole_answer(traces: Traces) -> None:
    body = {"model": "ragserve", "messages": [{"role": "user", "content": QUESTION}]}
    trace = traces.get(traces.ask(body | {"stream": True}, "/v1/chat/completions"))
    (root,) = (span for span in trace.data.spans if span.parent_id is None)
    assert root.name == "POST /v1/chat/completions"
    assert "503" in root.outputs["answer"]


def test_the_access_line_is_in_the_log_at_once_with_the_traces_id_and_no_word_of_the_question(
    traces: Traces, cluster: Cluster
) -> None:
    trace_id = traces.ask({"query": QUESTION}, Authorization=f"Bearer {API_KEY}")
    logs = cluster.ray_dir / "session_latest/logs/serve"

    def lines() -> list[dict[str, Any]]:
        texts = [log.read_text() for log in logs.glob("replica_gateway_*.log")]
        return [
            json.loads(line) for text in texts for line in text.splitlines() if trace_id in line
        ]

    (line,) = until(lines, within_s=5, what="the access line")
    assert line["event"] == "request"
    assert (line["http_route"], line["status"], line["outcome"]) == ("/v1/query", 200, "ok")
    assert set(line["stages_ms"]) == {*("embedder", "retriever", "reranker", "generator")}
    assert line["completion_tokens"] > 0
    assert line["release"] == "minilm-extractive"
    assert len(line["key"]) == 12
    assert QUESTION not in str(line)


def test_who_wants_no_trace_is_told_that_traces_are_kept(http: httpx.Client) -> None:
    headers = {"X-Ragserve-Trace": "none"}
    response = http.post("/v1/query", json={"query": QUESTION}, headers=headers)
    assert (response.status_code, response.json()["code"]) == (403, "forbidden")


def test_no_request_notices_that_mlflow_is_away_and_no_trace_is_lost(
    traces: Traces, killed: MlflowServer, cluster: Cluster
) -> None:
    asked = []
    for _ in range(12):
        began_s = time.monotonic()
        asked.append(traces.ask({"query": QUESTION}))
        assert time.monotonic() - began_s < 3
    spool = cluster.home / "spool"
    until(lambda: list(spool.rglob("*.batch")), within_s=20, what="spans in the spool")
    killed.start()
    # On a busy machine the server itself takes half a minute to begin.
    traces.await_all(asked, within_s=120)


def test_a_killed_gateway_loses_the_last_moment_at_most(
    traces: Traces, killed: MlflowServer, cluster: Cluster
) -> None:
    """What was encoded is in its spool, and the replica that takes its place sends it."""
    asked: list[tuple[float, str]] = []
    until_s = time.monotonic() + 5
    while time.monotonic() < until_s:
        asked.append((time.monotonic(), traces.ask({"query": QUESTION})))
    killed_s = time.monotonic()
    for pid in cluster.pids("gateway").values():
        os.kill(pid, signal.SIGKILL)
    killed.start()
    cluster.wait_ready()
    # A batch is encoded every 0.3 s; the rest is for a machine that is busy.
    safe = [trace_id for ended_s, trace_id in asked if ended_s < killed_s - SENT_EVERY_S - 1.5]
    assert safe
    traces.await_all(safe, within_s=90)


def test_nothing_personal_and_no_key_is_written_anywhere(
    traces: Traces, mlflow: MlflowServer, cluster: Cluster, shared_data: Path
) -> None:
    file = shared_data / "semantic_router_safety/pii.jsonl"
    if not file.is_file():
        pytest.skip("no sample file pii.jsonl in semantic_router_safety")
    questions = [json.loads(line)["question"] for line in file.read_text().splitlines()]
    secret = {"Authorization": f"Bearer {API_KEY}"}
    asked = [traces.ask({"query": one, "user": one[:200]}, **secret) for one in questions[::2]]
    traces.await_all(asked)
    mlflow.kill()
    later = [traces.ask({"query": one}, **secret) for one in questions[1::2]]
    try:
        spool = cluster.home / "spool"
        until(lambda: list(spool.rglob("*.batch")), within_s=20, what="spans in the spool")
        time.sleep(2 * SENT_EVERY_S)
        spooled = [
            gzip.decompress(one.read_bytes()[_SPOOL_HEADER_BYTES:])
            for one in spool.rglob("*.batch")
        ]
    finally:
        mlflow.start()
    traces.await_all(later)
    assert any(b"<EMAIL_1>" in one or b"<CARD_1>" in one for one in spooled)
    written = {f"spool {number}": one for number, one in enumerate(spooled)}
    for folder in (mlflow.folder, cluster.home, cluster.ray_dir):
        for one in folder.rglob("*"):
            if one.is_file() and not one.is_symlink():
                written[str(one)] = one.read_bytes()
    assert any(b"<EMAIL_1>" in content for name, content in written.items() if "mlflow.db" in name)
    secrets_ = [value for values in PII_VALUES.values() for value in values] + [API_KEY]
    found = {
        (name, value)
        for name, content in written.items()
        for value in secrets_
        if is_written(value, content)
    }
    assert found == set()
