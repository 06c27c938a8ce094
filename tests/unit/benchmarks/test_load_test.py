"""The load test as a command: wrong input is refused, and a real run of locust is judged."""

import json
import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
import typer
from typer.testing import CliRunner, Result

from benchmarks.load_test import main
from benchmarks.locust_support.run import LoadPlan, locust_command


class Service(BaseHTTPRequestHandler):
    """Answers in the service's shapes, and always refuses embeddings."""

    protocol_version = "HTTP/1.1"
    asked: ClassVar[list[dict[str, object]]] = []
    headed: ClassVar[list[tuple[str, str | None, str | None]]] = []
    answers: ClassVar[dict[str, object]] = {
        "/v1/query": {"answer": "yes"},
        "/v1/search": {"results": [{"text": "a passage"}]},
        "/v1/rerank": {"results": [{"index": 0}]},
    }

    def do_GET(self) -> None:
        self._answer(200, {"status": "ready"})

    def do_POST(self) -> None:
        heads = (self.headers["authorization"], self.headers["x-tenant"])
        self.headed.append((self.path, *heads))
        self.asked.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        if self.path == "/v1/chat/completions":
            self._send(200, b'data: {"choices": []}\n\ndata: [DONE]\n\n')
        elif self.path in self.answers:
            self._answer(200, self.answers[self.path])
        else:
            self._answer(503, {}, ("Retry-After", "1"))

    def _answer(self, status: int, body: object, *headers: tuple[str, str]) -> None:
        self._send(status, json.dumps(body).encode(), *headers)

    def _send(self, status: int, content: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (("X-Request-ID", "1"), *headers):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def _keep_signal_handler() -> Iterator[None]:
    former = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, former)


def invoke(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(main)
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "300", "NO_COLOR": "1"})


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--url", "http://example.com"), "--allow-remote"),
        (("--url", "127.0.0.1"), "not an address"),
        (("--ramp", "10", "--duration", "10"), "the ramp must end before the run"),
        (("--slo", "/no/such/file"), "/no/such/file"),
        (("--header", "no colon"), "no header of the form NAME: VALUE"),
        (("--steps", "4"), "at least two numbers that rise"),
        (("--steps", "8,4"), "at least two numbers that rise"),
        (("--steps", "a,b"), "numbers with commas"),
        (("--endpoint", "nowhere"), "nowhere"),
        (("--queries", "/no/such/file"), "/no/such/file"),
        (("--users", "0"), "--users"),
        (("--url", "http://127.0.0.1:1"), "no service answers"),
    ],
)
def test_wrong_input_ends_with_2(arguments: tuple[str, ...], told: str) -> None:
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert told in result.output


def test_ramp_becomes_users_per_second(tmp_path: Path) -> None:
    plan = LoadPlan("http://127.0.0.1:1", 30, 12.0, 60.0, 1.0, Path("q.txt"))
    command = locust_command(plan, folder=tmp_path, html=tmp_path / "r.html")
    assert command[command.index("--spawn-rate") + 1] == "2.5"
    assert command[command.index("--run-time") + 1] == "60s"
    assert command[-3:] == ["--queries", "q.txt", "Reader"]


def test_run_is_judged_by_what_was_answered(url: str, tmp_path: Path) -> None:
    """Locust runs for real; refusals wait as told and are no errors, but keep p95 unmeasured."""
    slo, queries, folder = tmp_path / "slo.yaml", tmp_path / "questions.txt", tmp_path / "run"
    queries.write_text("only question\n")
    slo.write_text(
        "endpoints:\n"
        "  /v1/query: {p95_ms: 5000, error_ratio: 0}\n"
        "  /v1/chat/completions: {p95_ms: 5000, error_ratio: 0}\n"
        "  /v1/embeddings: {p95_ms: 5000, error_ratio: 0}\n"
    )
    arguments = (
        *("--url", url, "--users", "20", "--ramp", "0", "--duration", "2", "--think", "0.1"),
        *("--slo", str(slo), "--queries", str(queries), "--output", str(folder)),
    )
    result = invoke(*arguments)
    assert result.exit_code == 1, result.output
    assert (folder / "report.html").is_file()
    assert (folder / "locust_stats.csv").is_file()
    found = json.loads((folder / "result.json").read_text())["results"]
    assert [(one["endpoint"], one["objective"], one["met"]) for one in found["objectives"]] == [
        ("/v1/query", "p95_ms", True),
        ("/v1/query", "error_ratio", True),
        ("/v1/chat/completions", "p95_ms", True),
        ("/v1/chat/completions", "error_ratio", True),
        ("/v1/embeddings", "p95_ms", False),
        ("/v1/embeddings", "error_ratio", True),
    ]
    assert found["endpoints"]["/v1/query"]["failed"] == 0
    # Each of 20 users can be refused twice: at the start, and once more after a second.
    assert 1 <= found["endpoints"]["/v1/embeddings"]["refused"] <= 40
    assert {"query": "only question"} in Service.asked


def test_steps_find_the_knee_with_keys_and_headers_of_ones_own(url: str, tmp_path: Path) -> None:
    Service.headed.clear()
    Service.asked.clear()
    folder = tmp_path / "run"
    result = invoke(
        *("--url", url, "--steps", "2,4", "--ramp", "0", "--duration", "1.5", "--think", "0.05"),
        *("--endpoint", "search", "--endpoint", "rerank", "--output", str(folder)),
        *("--key", "rs-secret-a", "--key", "rs-secret-b", "--header", "X-Tenant: blue"),
        *("--model", "mine"),
    )
    assert result.exit_code == 0, result.output
    assert "knee" in result.output.lower()
    assert {path for path, _, _ in Service.headed} <= {"/v1/search", "/v1/rerank"}
    assert {tenant for _, _, tenant in Service.headed} == {"blue"}
    keys = {key for _, key, _ in Service.headed}
    assert keys <= {"Bearer rs-secret-a", "Bearer rs-secret-b"}
    assert {asked["model"] for asked in Service.asked if "documents" in asked} <= {"mine"}
    told = (folder / "steps.json").read_text()
    assert [step["users"] for step in json.loads(told)["results"]["steps"]] == [2, 4]
    assert "rs-secret" not in told
    assert all("rs-secret" not in file.read_text() for file in folder.glob("*.log"))
