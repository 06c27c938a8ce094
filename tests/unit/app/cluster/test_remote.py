"""A cluster by its address: what does not fit it is refused before anything is sent."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from app.client.errors import CliError
from app.cluster.remote import RemoteCluster
from app.cluster.serve_config import ServeConfig, load_cluster_config
from app.cluster.timeline import Timeline

ROOT = Path(__file__).parents[4]
BIG = {"CPU": 64.0}


class Dashboard:
    """Ray's dashboard: its nodes, and what was deployed."""

    def __init__(self, *nodes: dict[str, float]) -> None:
        self.nodes = [
            {"node_ip": f"10.0.0.{n}", "is_head_node": n == 0, "state": "ALIVE",
             "resources_total": resources}
            for n, resources in enumerate(nodes)
        ]  # fmt: skip
        self.deployed: list[dict[str, Any]] = []
        self.tokens: set[str | None] = set()
        self.state = "RUNNING"

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.tokens.add(request.headers.get("authorization"))
        if request.url.path == "/api/v0/nodes":
            return httpx.Response(200, json={"data": {"result": {"result": self.nodes}}})
        if request.method == "PUT":
            self.deployed.append(json.loads(request.content))
            return httpx.Response(200)
        if request.method == "DELETE":
            self.deployed.clear()
            return httpx.Response(200)
        wanted = self.deployed[-1]["applications"] if self.deployed else []
        stage = {
            "status": "UPDATING",
            "message": 'Resources required: {"GPU": 1}, available: {}.',
            "target_num_replicas": 2,
            "replicas": [{"state": "RUNNING"}],
        }
        body = {one["name"]: {"status": self.state, "deployments": {"Stage": stage}}
                for one in wanted}  # fmt: skip
        return httpx.Response(200, json={"applications": body})


Cluster = Callable[..., RemoteCluster]


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    real = httpx.Client

    def make(dashboard: Dashboard, token_file: Path | None = None) -> RemoteCluster:
        def client(**options: Any) -> httpx.Client:
            return real(**options | {"transport": httpx.MockTransport(dashboard)})

        monkeypatch.setattr(httpx, "Client", client)
        return RemoteCluster("http://head:8265/", token_file)

    return make


def deploy(cluster: RemoteCluster, config: ServeConfig, **options: Any) -> None:
    cluster.deploy(
        config,
        check=lambda _: None,
        timeline=Timeline(),
        **{"deadline_s": 1e18, **options},
    )


CLUSTER_FILE = load_cluster_config(ROOT / "serve_config.cluster.yaml")


def test_a_config_is_sent_as_it_is_with_its_version(cluster: Cluster, tmp_path: Path) -> None:
    dashboard = Dashboard(BIG, BIG)
    (tmp_path / "token").write_text("secret\n")
    deploy(cluster(dashboard, tmp_path / "token"), CLUSTER_FILE)
    (sent,) = dashboard.deployed
    for application in sent["applications"]:
        assert application.pop("runtime_env")["env_vars"]["RAGSERVE_VERSION"]
    assert sent == CLUSTER_FILE.document
    assert dashboard.tokens == {"Bearer secret"}


def test_a_file_of_one_machine_is_not_sent_to_several(cluster: Cluster) -> None:
    dashboard = Dashboard(BIG, BIG)
    config = load_cluster_config(ROOT / "serve_config.yaml")
    with pytest.raises(CliError, match="several nodes") as refused:
        deploy(cluster(dashboard), config)
    assert "proxy_location" in refused.value.detail
    assert dashboard.deployed == []
    deploy(cluster(one := Dashboard(BIG)), config)
    assert len(one.deployed) == 1


def test_what_has_no_room_is_not_sent_unless_one_insists(cluster: Cluster) -> None:
    dashboard = Dashboard({"CPU": 2.0})
    with pytest.raises(CliError, match="no room"):
        deploy(cluster(dashboard), CLUSTER_FILE)
    assert dashboard.deployed == []
    deploy(cluster(dashboard), CLUSTER_FILE, room_check=False)
    assert len(dashboard.deployed) == 1


def test_when_the_time_is_up_it_says_what_waits_for_what(cluster: Cluster) -> None:
    dashboard = Dashboard(BIG)
    dashboard.state = "DEPLOYING"
    with pytest.raises(CliError, match="Timed out") as late:
        deploy(cluster(dashboard), CLUSTER_FILE, deadline_s=0.0)
    assert "gateway Stage: 1/2 replicas" in late.value.detail
    assert 'Resources required: {"GPU": 1}' in late.value.detail


def test_a_look_and_the_end(cluster: Cluster) -> None:
    remote = cluster(Dashboard(BIG))
    deploy(remote, CLUSTER_FILE)
    nodes, applications = remote.look()
    assert [node.address for node in nodes] == ["10.0.0.0"]
    assert len(applications) == 4
    remote.shut_down()
    assert remote.look()[1] == ()


@pytest.mark.parametrize(
    ("variables", "sent"),
    [
        ({}, None),
        ({"RAY_AUTH_TOKEN": "mine"}, "Bearer mine"),
        ({"RAY_AUTH_TOKEN_PATH": "token"}, "Bearer from a file"),
    ],
)
def test_the_token_is_that_of_rays_own_commands(
    cluster: Cluster,
    variables: dict[str, str],
    sent: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    Path("token").write_text("from a file")
    dashboard = Dashboard(BIG)
    cluster(dashboard).look()
    assert dashboard.tokens == {sent}


@pytest.mark.parametrize("address", ["head:8265", "ray://head:10001", "", "http://"])
def test_what_is_no_address_is_said_so(address: str) -> None:
    with pytest.raises(CliError, match="no address"):
        RemoteCluster(address)


def test_the_shipped_file_has_the_stages_of_the_one_for_one_machine() -> None:
    local = yaml.safe_load((ROOT / "serve_config.yaml").read_text())

    def names(document: dict[str, Any]) -> list[tuple[str, list[str]]]:
        return [
            (one["name"], [stage["name"] for stage in one["deployments"]])
            for one in document["applications"]
        ]

    assert names(CLUSTER_FILE.document) == names(local)
