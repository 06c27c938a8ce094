"""`ragserve doctor` as a person runs it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.app.cli.conftest import (  # noqa: F401
    Answer,
    CannedService,
    Ended,
    ragserve,
    service,
)

ROOT = Path(__file__).parents[4]
CLUSTER = str(ROOT / "serve_config.cluster.yaml")


def verdicts(ended: Ended) -> dict[str, str]:
    return {one["name"]: one["verdict"] for one in json.loads(ended.out)["findings"]}


@pytest.fixture
def dashboard(service: CannedService, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:  # noqa: F811
    """A cluster of one small node with one application that failed."""
    node = {"node_ip": "10.0.0.1", "is_head_node": True, "state": "ALIVE",
            "resources_total": {"CPU": 1.0}}  # fmt: skip
    application = {"status": "DEPLOY_FAILED", "message": "no model\n"}
    told: dict[str, Any] = {"node": node, "application": application}

    def answer(path: str, _: Any) -> Answer:
        if path.startswith("/api/v0/nodes"):
            return Answer({"data": {"result": {"result": [told["node"]]}}})
        return Answer({"applications": {"gateway": told["application"]}})

    monkeypatch.setattr(service, "answer_to", answer)
    return told


def test_a_cluster_that_is_too_small_and_does_not_run(
    service: CannedService,  # noqa: F811
    ragserve: Callable[..., Ended],  # noqa: F811
    dashboard: dict[str, Any],
) -> None:
    ended = ragserve("doctor", "-c", CLUSTER, "--address", service.url, "--json")
    assert ended.code == 1
    found = verdicts(ended)
    assert (found["dashboard"], found["nodes"]) == ("ok", "ok")
    assert (found["room"], found["application gateway"]) == ("wrong", "wrong")
    dashboard["node"]["resources_total"] = {"CPU": 64.0}
    dashboard["application"] = {"status": "RUNNING"}
    whole = ragserve("doctor", "-c", CLUSTER, "--address", service.url)
    assert whole.code == 0
    assert "the config takes" in whole.out


def test_a_cluster_that_does_not_answer(ragserve: Callable[..., Ended]) -> None:  # noqa: F811
    ended = ragserve("doctor", "-c", CLUSTER, "--address", "http://127.0.0.1:9", "--json")
    assert (ended.code, verdicts(ended)["dashboard"]) == (1, "wrong")


def test_a_node_without_variables(
    ragserve: Callable[..., Ended],  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("RAGSERVE_DATABASE_URL", raising=False)
    config = tmp_path / "mine.yaml"
    config.write_text("applications: [{name: a}]")
    ended = ragserve("doctor", "--node", "-c", str(config), "--home", str(tmp_path / "home"))
    assert ended.code == 1
    assert "RAGSERVE_DATABASE_URL: not set" in ended.out
    assert "         -> " in ended.out
