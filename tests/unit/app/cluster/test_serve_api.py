"""Requests to Serve's REST API and what is read from its answers, without a network."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from app.client.errors import CliError
from app.cluster.roll_out import roll_out, shorten, step_names
from app.cluster.serve_api import ServeApi, parse_applications
from app.cluster.serve_config import ServeConfig
from app.cluster.timeline import StepState, Timeline
from app.local.home import Home

Answer = Callable[[httpx.Request], httpx.Response]

CONFIG = ServeConfig(
    path=Path("/project/serve_config.yaml"),
    document={
        "http_options": {"host": "127.0.0.1", "port": 8000},
        "applications": [{"name": "gateway"}],
    },
)


def application(status: str, *, message: str = "", running: int = 1) -> dict[str, object]:
    replicas = [{"state": "RUNNING"}] * running + [{"state": "STARTING"}] * (2 - running)
    deployment = {"status": "HEALTHY", "target_num_replicas": 2, "replicas": replicas}
    return {"status": status, "message": message, "deployments": {"Ingress": deployment}}


def api(tmp_path: Path, answer: Answer) -> ServeApi:
    token_file = tmp_path / "token"
    token_file.write_text("secret\n")
    return ServeApi("http://ray", token_file.read_text, transport=httpx.MockTransport(answer))


def test_every_request_carries_the_token(tmp_path: Path) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"applications": {}})

    client = api(tmp_path, answer)
    client.deploy({"applications": []})
    client.applications()
    client.shut_down(timeout_s=1)
    assert [request.method for request in seen] == ["PUT", "GET", "DELETE"]
    assert {request.headers["authorization"] for request in seen} == {"Bearer secret"}
    assert json.loads(seen[0].content) == {"applications": []}


def test_a_refused_config_shows_what_serve_says(tmp_path: Path) -> None:
    client = api(tmp_path, lambda request: httpx.Response(400, text="no such field"))
    with pytest.raises(CliError, match="HTTP 400") as caught:
        client.deploy({})
    assert caught.value.detail == "no such field"


def test_no_answer_becomes_an_error_of_ours(tmp_path: Path) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(CliError, match="does not answer at http://ray: ConnectError"):
        api(tmp_path, answer).applications()


def test_a_missing_token_becomes_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(CliError, match="FileNotFoundError"):
        ServeApi("http://ray", (tmp_path / "none").read_text).applications()


def test_replicas_are_counted_by_state() -> None:
    [one] = parse_applications({"applications": {"gateway": application("RUNNING")}})
    assert one.replicas == "1/2"
    assert one.deployments[0].running_replicas == 1


def test_roll_out_ends_with_the_message_of_a_failed_application(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.create()
    failed = application("DEPLOY_FAILED", message="Traceback\n  ^^^^\nValueError: bad model")

    def answer(request: httpx.Request) -> httpx.Response:
        body = {} if request.method == "PUT" else {"applications": {"gateway": failed}}
        return httpx.Response(200, json=body)

    timeline = Timeline()
    with pytest.raises(CliError, match="gateway could not be deployed") as caught:
        roll_out(
            CONFIG,
            api=api(tmp_path, answer),
            api_url="http://127.0.0.1:1",
            logs=home.logs,
            timeline=timeline,
            deadline_s=0.0,
            still_alive=lambda: None,
        )
    assert caught.value.detail == "Traceback\nValueError: bad model"
    assert "bad model" in home.log_of("gateway.failed").read_text()
    states = {step.name: step.state for step in timeline.steps()}
    assert states["gateway"] == StepState.FAILED


def test_roll_out_gives_up_at_its_deadline(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.create()
    body = {"applications": {"gateway": application("DEPLOYING")}}
    with pytest.raises(CliError, match="Timed out while waiting for the applications"):
        roll_out(
            CONFIG,
            api=api(tmp_path, lambda request: httpx.Response(200, json=body)),
            api_url="http://127.0.0.1:1",
            logs=home.logs,
            timeline=Timeline(),
            deadline_s=0.0,
            still_alive=lambda: None,
        )


def test_steps_are_the_applications_between_serve_and_readiness() -> None:
    assert step_names(CONFIG) == ["serve", "gateway", "health/ready"]


def test_shortening_keeps_the_end_and_drops_markers() -> None:
    text = "\n".join(["first", "  ^^^^~~~", "", "second", "third" * 100])
    assert shorten(text, max_lines=2, max_columns=10) == "second\nthirdthird"
