"""The variables of a cluster's nodes, as a shell reads them."""

import subprocess
from pathlib import Path

import yaml

from app.cluster.environment import HAPROXY_SETTINGS, SERVE_SETTINGS, environment_lines
from app.settings.cold.gateway import GatewayArgs

REPOSITORY = Path(__file__).parents[4]
URL = "postgresql://me:it's $HOME@db/ragserve"


def printed() -> str:
    lines = environment_lines(
        database_url=URL, limits_url="redis://redis:6390/0", token_file="/run/token"
    )
    return "\n".join(lines)


def variables(script: str) -> dict[str, str]:
    command = f"{script}\nenv -0"
    output = subprocess.run(
        ["sh", "-c", command],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/usr/bin:/bin"},
    ).stdout
    return dict(line.split("=", 1) for line in output.split("\0") if line)


def test_a_shell_reads_what_was_meant() -> None:
    found = variables(printed())
    assert found["RAGSERVE_DATABASE_URL"] == URL
    assert found["RAGSERVE_LIMITS_URL"] == "redis://redis:6390/0"
    assert found["RAY_AUTH_TOKEN_PATH"] == "/run/token"
    for name, value in {**SERVE_SETTINGS, **HAPROXY_SETTINGS}.items():
        assert found[name] == value


def test_a_store_of_answers_is_named_where_there_is_one() -> None:
    assert "RAGSERVE_CACHE_URL" not in variables(printed())
    lines = environment_lines(
        database_url=URL, limits_url="", token_file="t", cache_url="redis://redis:6390/1"
    )
    assert variables("\n".join(lines))["RAGSERVE_CACHE_URL"] == "redis://redis:6390/1"


def test_secrets_are_long_and_new_each_time() -> None:
    names = ("RAGSERVE_KEY_PEPPER", "RAGSERVE_ADMIN_KEY", "RAGSERVE_CONTENT_SALT")
    first, second = variables(printed()), variables(printed())
    values = {found[name] for found in (first, second) for name in names}
    assert len(values) == 6
    assert all(len(value) >= 32 for value in values)


def test_haproxy_ends_streams_as_long_as_a_gateway_does() -> None:
    config = yaml.safe_load((REPOSITORY / "serve_config.yaml").read_text())
    gateway = next(one for one in config["applications"] if one["name"] == "gateway")
    [ingress] = [one for one in gateway["deployments"] if one["name"] == "Ingress"]
    patience_s = int(HAPROXY_SETTINGS["RAY_SERVE_HAPROXY_HARD_STOP_AFTER_S"])
    assert patience_s > ingress["graceful_shutdown_timeout_s"] > GatewayArgs().stream_timeout_s
