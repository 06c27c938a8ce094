"""Servers that answer, and those that do not: real ones on this machine."""

from typing import Any

import pytest

from app.doctor.services import (
    HttpServers,
    check_databases,
    check_http_servers,
    check_postgresql,
    check_redis,
)
from benchmarks.peers.redis_server import redis_program, running_redis
from tests.unit.app.cli.conftest import Answer, CannedService, service  # noqa: F401
from tests.unit.deployments.control.conftest import postgresql_url  # noqa: F401

NOBODY = "127.0.0.1:9"  # the discard port: nothing answers there


def config(url: str) -> dict[str, Any]:
    return {
        "applications": [
            {"name": "gateway", "args": {"tracing": {"otlp_url": f"{url}/v1/traces"}}},
            {"name": "retrieval", "args": {"store": {"url": url}}},
            {"name": "embedded", "args": {"store": {"path": "/x"}}},
            {"name": "control", "args": {"tracker": {"mlflow_url": url}}},
            {"name": "foreign"},
        ]
    }


def test_the_servers_of_a_config_are_asked_once_each(
    service: CannedService,  # noqa: F811
) -> None:
    service.answers = [Answer({})]
    servers = HttpServers()
    findings = list(check_http_servers(config(service.url), servers))
    assert [(one.name, one.verdict) for one in findings] == [("Chroma", "ok"), ("MLflow", "ok")]
    assert [path for path, _ in service.asked] == ["/api/v2/heartbeat", "/health"]
    assert set(servers.times) == {"Chroma", "MLflow"}


def test_a_dead_url_is_named_without_its_password() -> None:
    findings = list(check_http_servers(config(f"http://me:secret@{NOBODY}"), HttpServers()))
    assert [one.verdict for one in findings] == ["wrong", "wrong"]
    assert findings[0].found == f"http://{NOBODY} does not answer: ConnectError"
    assert "Start Chroma" in findings[0].remedy


def test_another_server_at_the_url_is_told_apart(service: CannedService) -> None:  # noqa: F811
    service.answers = [Answer({}, status=404)]
    finding = next(iter(check_http_servers(config(service.url), HttpServers())))
    assert (finding.verdict, "HTTP 404" in finding.found) == ("wrong", True)


def test_a_postgresql_that_answers(postgresql_url: str) -> None:  # noqa: F811
    finding = check_postgresql(postgresql_url)
    assert (finding.verdict, "answers, version" in finding.found) == ("ok", True)


@pytest.mark.parametrize("url", [f"postgresql://me:secret@{NOBODY}/x", "mysql://h/x", "no url"])
def test_a_database_that_cannot_be_had(url: str) -> None:
    finding = check_postgresql(url)
    assert finding.verdict == "wrong"
    assert "secret" not in finding.found


def test_redis_that_answers_and_one_that_does_not(service: CannedService) -> None:  # noqa: F811
    program = redis_program()
    if program is None:
        pytest.skip("no Redis: install redis-server")
    with running_redis(program) as server:
        assert check_redis(server.url, "RAGSERVE_CACHE_URL").verdict == "ok"
    dead = check_redis(f"redis://:secret@{NOBODY}/0", "RAGSERVE_LIMITS_URL")
    assert (dead.verdict, "secret" in dead.found) == ("wrong", False)
    other = check_redis(service.url.replace("http:", "redis:"), "RAGSERVE_LIMITS_URL")
    assert other.verdict == "wrong"


def test_files_are_not_asked_and_nonsense_is_named() -> None:
    names = ("RAGSERVE_DATABASE_URL", "RAGSERVE_LIMITS_URL", "RAGSERVE_CACHE_URL")
    assert list(check_databases({name: f"sqlite:///{name}" for name in names})) == []
    for name in names[1:]:
        [finding] = check_databases({name: "memcached://x"})
        assert (finding.verdict, name in finding.found) == ("warning", True)
