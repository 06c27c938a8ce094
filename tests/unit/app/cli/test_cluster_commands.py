"""The verbs for a cluster that somebody else started."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.app.cli.conftest import Answer, CannedService, Ended

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of Ray's own, when its schema is imported
    import ray.serve.schema  # noqa: F401

Ragserve = Callable[..., Ended]
ROOT = Path(__file__).parents[4]


class Dashboard:
    """Ray's dashboard: three nodes, and what was deployed."""

    def __init__(self) -> None:
        self.documents: list[Any] = []
        self.status = "RUNNING"
        self.cpus = 32.0

    def answer_to(self, path: str, body: Any) -> Answer:
        if path.startswith("/api/v0/nodes"):
            nodes = [
                {"node_ip": f"10.0.0.{n}", "is_head_node": n == 0, "state": "ALIVE",
                 "resources_total": {"CPU": self.cpus, "memory": 2.0**33}}
                for n in range(3)
            ]  # fmt: skip
            return Answer({"data": {"result": {"result": nodes}}})
        if body is not None:
            self.documents.append(body)
        names = (
            [one["name"] for one in self.documents[-1]["applications"]] if self.documents else []
        )
        return Answer({"applications": {name: {"status": self.status} for name in names}})


@pytest.fixture
def dashboard(service: CannedService, monkeypatch: pytest.MonkeyPatch) -> Dashboard:
    dashboard = Dashboard()
    monkeypatch.setattr(service, "answer_to", dashboard.answer_to)
    return dashboard


def test_a_cluster_is_deployed_to_looked_at_and_emptied(
    service: CannedService, dashboard: Dashboard, ragserve: Ragserve
) -> None:
    assert ragserve("status", "--address", service.url).code == 1
    file = str(ROOT / "serve_config.cluster.yaml")
    deployed = ragserve("deploy", file, "--address", service.url)
    assert deployed.code == 0
    assert f"to {service.url}" in deployed.out
    shown = ragserve("status", "--address", service.url)
    assert shown.code == 0
    assert "10.0.0.2" in shown.out
    assert "retrieval-minilm" in shown.out
    ended = ragserve("down", "--address", service.url, "--yes")
    assert ended.out.startswith("Stopped control, gateway, generator-extractive")


def test_status_of_a_cluster_as_json(
    service: CannedService, dashboard: Dashboard, ragserve: Ragserve
) -> None:
    dashboard.documents = [{"applications": [{"name": "gateway"}]}]
    dashboard.status = "DEPLOYING"
    ended = ragserve("status", "--address", service.url, "--json")
    found = json.loads(ended.out)
    assert (ended.code, found["running"], len(found["nodes"])) == (1, False, 3)
    assert found["applications"][0]["status"] == "DEPLOYING"


def test_a_cluster_is_not_emptied_without_a_yes(
    service: CannedService,
    dashboard: Dashboard,
    ragserve: Ragserve,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dashboard.documents = [{"applications": [{"name": "gateway"}]}]
    monkeypatch.setattr("typer.confirm", lambda *_, abort: exit(1))
    assert ragserve("down", "--address", service.url).code == 1


def test_what_does_not_fit_is_said_in_lines(
    service: CannedService, dashboard: Dashboard, ragserve: Ragserve
) -> None:
    ended = ragserve("deploy", str(ROOT / "serve_config.yaml"), "--address", service.url)
    assert ended.code == 1
    assert "several nodes" in ended.err
    assert "http_options.host" in ended.err
    dashboard.cpus = 1.0
    ended = ragserve("deploy", str(ROOT / "serve_config.cluster.yaml"), "--address", service.url)
    assert "no room" in ended.err
    assert dashboard.documents == []


def test_a_cluster_needs_a_file(service: CannedService, ragserve: Ragserve) -> None:
    assert "Which config?" in ragserve("deploy", "--address", service.url).err
