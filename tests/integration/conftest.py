"""One real stack for all integration tests: Ray Serve, a Chroma server, MiniLM; no doubles."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from app.settings.checks.grpc import SERVICERS
from benchmarks.peers.mlflow_server import MlflowServer
from tests.integration.cluster import CALLER_KEYS, REPOSITORY, Cluster, free_port, key_id
from tests.openai_peer import OpenAIPeer

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.integration)
            if "cluster" in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.cluster)
    # First what needs no cluster: an idle one takes half a core from the tests beside it.
    items.sort(key=lambda item: item.get_closest_marker("cluster") is not None)


@pytest.fixture(scope="session")
def openai_peer() -> Iterator[OpenAIPeer]:
    """A scripted server behind one of the generators."""
    with OpenAIPeer() as peer:
        yield peer


def _scripted_generator(name: str, model: str, base_url: str) -> dict[str, Any]:
    """An application whose generator is a scripted server."""
    return {
        "name": f"generator-{name}",
        "route_prefix": None,
        "import_path": "app.builder:build_generator",
        "args": {
            "engine": "openai",
            "name": name,
            "openai": {
                "model": model,
                "base_url": base_url,
                "first_token_timeout_s": 2,
                "inter_token_timeout_s": 1,
                "max_attempts": 3 if model == "scripted" else 1,
            },
        },
        "deployments": [
            {
                "name": "Generator",
                "num_replicas": 1,
                "max_ongoing_requests": 64,
                "ray_actor_options": {"num_cpus": 0.1},
            }
        ],
    }


def _add_scripted_generators(config: dict[str, Any], base_url: str) -> None:
    """Adds the release `peer`, in which the extractive generator stands behind a scripted one, and
    releases that differ in how fast and how well they answer."""
    releases = config["applications"][0]["deployments"][0]["user_config"]["releases"]
    usual = releases["minilm-extractive"]
    config["applications"].append(_scripted_generator("peer", "scripted", base_url))
    releases["peer"] = usual | {
        "generator": ["generator-peer", "generator-extractive"],
        "first_token_timeout_s": 3,
    }
    config["applications"].append(_scripted_generator("calls", "calls", base_url))
    # The first one calls no functions, and is left out where a request offers some.
    releases["calls"] = usual | {"generator": ["generator-extractive", "generator-calls"]}
    releases["searcher"] = releases["calls"] | {"search": "tool", "search_rounds": 1}
    for name in ("steady", "steady-slower", "steady-failing", "lasts"):
        config["applications"].append(_scripted_generator(name, name, base_url))
        # Without the reranker: on a slow machine it is what such load waits for, and what differs
        # between the releases is lost in the wait.
        releases[name] = usual | {"generator": f"generator-{name}", "rerank": False}
    releases["steady-too"] = releases["steady"] | {"top_n": 4}


@pytest.fixture(scope="session")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    """Where the traces of the shared stack go."""
    with MlflowServer(tmp_path_factory.mktemp("mlflow")) as server:
        yield server


@pytest.fixture(scope="session")
def cluster(
    tmp_path_factory: pytest.TempPathFactory, openai_peer: OpenAIPeer, mlflow: MlflowServer
) -> Iterator[Cluster]:
    """The shipped config, with other ports, tighter limits, and autoscaling in seconds."""
    home = tmp_path_factory.mktemp("stack")
    port, chroma_port, grpc_port = free_port(), free_port(), free_port()
    config = yaml.safe_load((REPOSITORY / "serve_config.yaml").read_text())
    config["http_options"]["port"] = port
    config["grpc_options"] = {"port": grpc_port, "grpc_servicer_functions": list(SERVICERS)}
    gateway, retrieval = config["applications"][:2]
    gateway["args"] |= {
        "request_timeout_s": 8,
        "max_concurrent_requests": 24,
        "max_body_bytes": 400_000,
        "batches": {"quiet_s": 1.0},
        "erasure_retry_s": 2,
        "tracing": {
            "otlp_url": f"{mlflow.url}/v1/traces",
            "experiment": "ragserve",
            "spool_dir": str(home / "spool"),
            "every_s": 0.3,
        },
    }
    live = gateway["deployments"][0]["user_config"]
    live["recording"] = {"known_keys": [key_id(key) for key in CALLER_KEYS]}
    retrieval["args"]["store"]["url"] = f"http://127.0.0.1:{chroma_port}"
    control = config["applications"].pop()
    control["args"] = {"batches": {"lease_s": 3}}  # no MLflow server here
    for application in config["applications"]:
        for deployment in application["deployments"]:
            deployment["autoscaling_config"] |= {
                "metrics_interval_s": 2,  # of many deployments: more often it keeps a core busy
                "look_back_period_s": 2,
                "upscale_delay_s": 1,
                "downscale_delay_s": 4,
            }
            deployment["autoscaling_config"]["max_replicas"] = 1
            # Tests that have deployed wait for readiness, which the old replica would give.
            deployment.pop("max_surge_percent", None)
            deployment["graceful_shutdown_wait_loop_s"] = 0.1
            deployment["graceful_shutdown_timeout_s"] = 5
    _add_scripted_generators(config, openai_peer.base_url)
    config["applications"].append(control)
    embedder = retrieval["deployments"][0]
    assert embedder["name"] == "Embedder"
    embedder["autoscaling_config"] |= {
        "max_replicas": 2,
        "target_ongoing_requests": 2,
        "metrics_interval_s": 0.5,
    }
    file = home / "serve_config.yaml"
    file.write_text(yaml.safe_dump(config))
    stack = Cluster(home, file, f"http://127.0.0.1:{port}", grpc_target=f"127.0.0.1:{grpc_port}")
    try:
        stack.up(chroma_port)
        yield stack
    finally:
        stack.run("down", "--home", str(home), expect=None)


@pytest.fixture
def http(cluster: Cluster) -> Iterator[httpx.Client]:
    cluster.wait_ready()
    with httpx.Client(base_url=cluster.url, timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
def guide(cluster: Cluster) -> str:
    """The operations guide, indexed by the command line; the sample corpus of the project."""
    return cluster.run("ingest", "docs", "--root", ".").stdout
