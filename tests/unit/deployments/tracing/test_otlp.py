"""What answers mean, and how the id of an experiment is found."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import unquote_plus

import pytest

from deployments.tracing.config import Destination
from deployments.tracing.otlp import OtlpClient, Outcome
from tests.unit.deployments.tracing.scripted_server import Received, Reply, ScriptedServer


class Experiments:
    """The part of MLflow's REST API that experiments are found by."""

    def __init__(self) -> None:
        self.ids: dict[str, str] = {}
        self.deleted: set[str] = set()
        self.created = 0
        self.before_create: Callable[[], None] = lambda: None

    def __call__(self, request: Received) -> Reply:
        place, _, query = request.path.partition("?")
        if place == "/v1/traces":
            if request.headers["x-mlflow-experiment-id"] in self.ids.values():
                return Reply()
            return _error(404, "RESOURCE_DOES_NOT_EXIST")
        verb = place.removeprefix("/api/2.0/mlflow/experiments/")
        if verb == "get-by-name":
            name = unquote_plus(query.removeprefix("experiment_name="))
            if name not in self.ids:
                return _error(404, "RESOURCE_DOES_NOT_EXIST")
            stage = "deleted" if self.ids[name] in self.deleted else "active"
            found = {"experiment_id": self.ids[name], "lifecycle_stage": stage}
            return Reply(body=json.dumps({"experiment": found}).encode())
        body = json.loads(request.body)
        if verb == "create":
            self.before_create()
            if body["name"] in self.ids:
                return _error(400, "RESOURCE_ALREADY_EXISTS")
            self.created += 1
            self.ids[body["name"]] = str(100 + self.created)
            return Reply(body=json.dumps({"experiment_id": self.ids[body["name"]]}).encode())
        assert verb == "restore"
        self.deleted.remove(body["experiment_id"])
        return Reply(body=b"{}")


def _error(status: int, code: str) -> Reply:
    return Reply(status, json.dumps({"error_code": code, "message": "no"}).encode())


def _post(server: ScriptedServer, experiment: str | None = None, times: int = 1) -> list[Outcome]:
    destination = Destination(otlp_url=f"{server.url}/v1/traces", experiment=experiment)
    client = OtlpClient(destination, {"authorization": "Bearer secret"})
    outcomes = [client.post(b"", timeout_s=2.0) for _ in range(times)]
    client.close()
    return outcomes


def _ids_sent(server: ScriptedServer) -> list[str]:
    return [
        request.headers["x-mlflow-experiment-id"]
        for request in server.requests
        if request.path == "/v1/traces"
    ]


@pytest.fixture
def experiments(server: ScriptedServer) -> Experiments:
    server.answer = experiments = Experiments()
    return experiments


def test_a_missing_experiment_is_created_once(
    server: ScriptedServer, experiments: Experiments
) -> None:
    outcomes = _post(server, "my traces & more", times=3)
    assert [one.verdict for one in outcomes] == ["sent"] * 3
    assert experiments.ids == {"my traces & more": "101"}
    assert _ids_sent(server) == ["101"] * 3
    assert len(server.requests) == 5
    assert {request.headers["authorization"] for request in server.requests} == {"Bearer secret"}


def test_an_experiment_that_another_process_creates_first_is_used(
    server: ScriptedServer, experiments: Experiments
) -> None:
    experiments.before_create = lambda: experiments.ids.update(traces="7")
    assert _post(server, "traces")[0].verdict == "sent"
    assert _ids_sent(server) == ["7"]


def test_a_deleted_experiment_is_restored(server: ScriptedServer, experiments: Experiments) -> None:
    experiments.ids["traces"] = "5"
    experiments.deleted.add("5")
    assert _post(server, "traces")[0].verdict == "sent"
    assert experiments.deleted == set()


def test_an_experiment_that_is_gone_is_looked_up_again(
    server: ScriptedServer, experiments: Experiments
) -> None:
    destination = Destination(otlp_url=f"{server.url}/v1/traces", experiment="traces")
    client = OtlpClient(destination, {})
    assert client.post(b"", timeout_s=2.0).verdict == "sent"
    experiments.ids.clear()
    assert client.post(b"", timeout_s=2.0).verdict == "sent"
    client.close()
    assert _ids_sent(server) == ["101", "101", "102"]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(500),
        Reply(403),
        Reply(404),
        Reply(body=b"<html>"),
        Reply(body=b"[]"),
        Reply(body=b"{}"),
    ],
    ids=["500", "403", "404", "no json", "a list", "nothing in it"],
)
def test_without_its_experiment_a_batch_waits(server: ScriptedServer, reply: Reply) -> None:
    server.answer = lambda _: reply
    (outcome,) = _post(server, "traces")
    assert outcome.verdict == "away"
    assert not outcome.suspect
    assert _ids_sent(server) == []


@pytest.mark.parametrize("reply", [Reply(503), Reply(body=b"[]")])
def test_no_password_is_told(server: ScriptedServer, reply: Reply) -> None:
    server.answer = lambda _: reply
    url = server.url.replace("://", "://bob:hunter2@")
    destination = Destination(otlp_url=f"{url}/v1/traces", experiment="traces")
    client = OtlpClient(destination, {})
    outcome = client.post(b"", timeout_s=2.0)
    client.close()
    assert outcome.verdict == "away"
    assert outcome.why
    assert "hunter2" not in outcome.why


def test_a_collector_gets_no_experiment(server: ScriptedServer) -> None:
    assert _post(server)[0].verdict == "sent"
    (request,) = server.requests
    assert "x-mlflow-experiment-id" not in request.headers


@pytest.mark.parametrize(
    ("value", "expected_s"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("100000", 300.0),
        ("soon", None),
        (None, None),
    ],
)
def test_retry_after_in_seconds(
    server: ScriptedServer, value: str | None, expected_s: float | None
) -> None:
    headers = {} if value is None else {"Retry-After": value}
    server.answer = lambda _: Reply(503, headers=headers)
    (outcome,) = _post(server)
    assert outcome == Outcome("away", "HTTP 503", retry_after_s=expected_s)


def test_retry_after_as_a_date(server: ScriptedServer) -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    server.answer = lambda _: Reply(429, headers={"Retry-After": at})
    (outcome,) = _post(server)
    assert outcome.retry_after_s == pytest.approx(60, abs=5)


@pytest.mark.parametrize(
    ("status", "verdict", "suspect"),
    [
        (200, "sent", False),
        (202, "sent", False),
        (400, "refused", False),
        (401, "refused", False),
        (408, "away", False),
        (413, "refused", False),
        (422, "refused", False),
        (429, "away", False),
        (500, "away", True),
        (501, "away", True),
        (502, "away", False),
        (503, "away", False),
        (504, "away", False),
    ],
)
def test_what_a_status_means(
    server: ScriptedServer, status: int, verdict: str, suspect: bool
) -> None:
    server.answer = lambda _: Reply(status)
    (outcome,) = _post(server)
    assert (outcome.verdict, outcome.suspect) == (verdict, suspect)


def test_an_answer_in_words_is_one_too(server: ScriptedServer) -> None:
    server.answer = lambda _: Reply(body=b"thank you")
    assert _post(server) == [Outcome("sent")]


def test_a_redirect_is_no_answer(server: ScriptedServer) -> None:
    server.answer = lambda _: Reply(302, headers={"Location": "/elsewhere"})
    assert _post(server)[0].verdict == "refused"
