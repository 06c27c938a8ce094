"""Three nodes for all tests of this folder, and what they share."""

import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from benchmarks.peers.postgres_server import postgres_programs, running_postgres
from benchmarks.peers.process import Server, free_port
from benchmarks.peers.redis_server import redis_program, running_redis
from tests.integration.cluster import RAGSERVE, REPOSITORY
from tests.nodes.cluster import TOKEN, ThreeNodes
from tests.nodes.network import HOST, Node, bridge, why_not

_NETWORK = "10.9.0.0/24"
_TIMEOUT_S = 1800
"""Of one test; the first one starts a cluster."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.timeout(_TIMEOUT_S))


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("nodes")


@pytest.fixture(scope="session")
def config(folder: Path) -> Path:
    """serve_config.cluster.yaml with the address of Chroma, and no server of MLflow."""
    content = yaml.safe_load((REPOSITORY / "serve_config.cluster.yaml").read_text())
    by_name = {application["name"]: application for application in content["applications"]}
    by_name["gateway"]["args"].pop("tracing")
    by_name["control"]["args"].pop("tracker")
    for application in content["applications"]:
        for deployment in application["deployments"]:
            if "autoscaling_config" in deployment:  # more would take the room of what restarts
                deployment["autoscaling_config"]["max_replicas"] = 2
    by_name["retrieval-minilm"]["args"]["store"]["url"] = f"http://{HOST}:{_CHROMA_PORT}"
    file = folder / "serve_config.cluster.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


_CHROMA_PORT = free_port()


@pytest.fixture(scope="session")
def nodes(folder: Path, config: Path) -> Iterator[ThreeNodes]:
    """The cluster with the service on it, and the guide in it."""
    if reason := why_not():
        pytest.skip(reason)
    postgres, redis = postgres_programs(), redis_program()
    if postgres is None or redis is None:
        pytest.skip("PostgreSQL and Redis are not installed")
    with ExitStack() as stack:
        stack.enter_context(bridge())
        database_url = stack.enter_context(running_postgres(postgres, host=HOST, network=_NETWORK))
        limits = stack.enter_context(running_redis(redis, host=HOST))
        chroma = [str(Path(sys.executable).with_name("chroma")), "run", "--host", HOST]
        chroma += ["--port", str(_CHROMA_PORT), "--path", str(folder / "chroma")]
        server = stack.enter_context(Server("Chroma", chroma, log_file=folder / "chroma.log"))
        server.wait_ready(f"http://{HOST}:{_CHROMA_PORT}/api/v2/heartbeat", timeout_s=60)
        token = folder / "ray_token"
        token.write_text(TOKEN)
        environment = folder / "ragserve.env"
        environment.write_text(_environment(database_url, limits.url, token))
        cluster = ThreeNodes(
            head=Node(2, folder, environment),
            workers=[Node(3, folder, environment), Node(4, folder, environment)],
            folder=folder,
            variables=_variables(environment),
        )
        for node in (cluster.head, *cluster.workers):
            stack.callback(node.remove)
        cluster.begin()
        cluster.deploy(config)
        printed = cluster.run(
            *("keys", "create", "tests", "--scope", "query", "--scope", "ingest"),
            *("--url", cluster.urls[1], "--json"),
        )
        cluster.variables["RAGSERVE_API_KEY"] = yaml.safe_load(printed)["secret"]
        cluster.run("ingest", "docs/errors.md", "--root", ".", "--url", cluster.urls[1])
        yield cluster


def _environment(database_url: str, limits_url: str, token: Path) -> str:
    done = subprocess.run(
        [
            *(*RAGSERVE, "env", "--database-url", database_url, "--limits-url", limits_url),
            *("--token-file", str(token)),
        ],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        check=True,
    )
    return done.stdout


def _variables(environment: Path) -> dict[str, str]:
    """Returns the variables of a shell file that begin with ours or Ray's name."""
    lines = [shlex.split(line, comments=True) for line in environment.read_text().splitlines()]
    named = [parts[1].split("=", 1) for parts in lines if len(parts) == 2 and parts[0] == "export"]
    return {name: value for name, value in named if not value.startswith("$(")}
