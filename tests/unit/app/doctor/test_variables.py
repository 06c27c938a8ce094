"""What `ragserve env` prints is what a node needs, and what it lacks is named."""

import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.cluster.environment import environment_lines
from app.doctor.variables import (
    check_niceness,
    check_secrets,
    check_settings,
    check_shared_config,
    check_shared_stores,
    check_token,
)

ROOT = Path(__file__).parents[4]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What a shell has after it read what `ragserve env` printed."""
    token = tmp_path / "token"
    token.write_text("0123")
    token.chmod(0o600)
    lines = environment_lines(
        database_url="postgresql://h/x", limits_url="redis://h:6390/0", token_file=str(token)
    )
    words = (shlex.split(line, comments=True) for line in lines)
    return dict(word[1].split("=", 1) for word in words if word[:1] == ["export"])


def bad(findings: Any) -> dict[str, str]:
    return {one.name: one.verdict for one in findings if one.verdict != "ok"}


def test_the_printed_environment_is_all_right(environment: dict[str, str]) -> None:
    for check in (check_settings, check_secrets, check_shared_stores):
        assert bad(check(environment)) == {}
    assert check_niceness(environment).verdict == "ok"
    assert check_token(environment).verdict == "ok"


def test_an_empty_environment_lacks_everything() -> None:
    assert "RAY_SERVE_ENABLE_HA_PROXY" in bad(check_settings({}))
    assert bad(check_secrets({})) == dict.fromkeys(
        ("RAGSERVE_KEY_PEPPER", "RAGSERVE_ADMIN_KEY", "RAGSERVE_CONTENT_SALT"), "wrong"
    )
    assert set(bad(check_shared_stores({})).values()) == {"wrong"}
    assert check_niceness({}).verdict == "warning"


def test_another_value_is_named_and_no_secret_is(environment: dict[str, str]) -> None:
    environment |= {"MALLOC_ARENA_MAX": "8", "RAY_worker_niceness": "15"}
    [finding] = [one for one in check_settings(environment) if one.verdict != "ok"]
    assert finding.found == "8, not 2"
    assert check_niceness(environment).found == "is 15"
    shown = [one.found for one in check_secrets(environment)]
    assert environment["RAGSERVE_ADMIN_KEY"] not in " ".join(shown)


def test_tokens_that_guard_nothing(environment: dict[str, str], tmp_path: Path) -> None:
    assert check_token({}).verdict == "wrong"
    token = Path(environment["RAY_AUTH_TOKEN_PATH"])
    token.chmod(0o644)
    assert (check_token(environment).verdict, check_token(environment).remedy[:9]) == (
        "warning",
        "chmod 600",
    )
    token.write_text(" \n")
    assert check_token(environment).found.endswith("is empty")
    token.unlink()
    assert check_token(environment).found.endswith("FileNotFoundError")
    assert check_token(environment | {"RAY_AUTH_TOKEN": "x"}).verdict == "ok"


def test_files_of_one_node_are_wrong_on_several() -> None:
    findings = check_shared_stores({"RAGSERVE_DATABASE_URL": "sqlite:///x"})
    assert "differ from node to node" in next(iter(findings)).found


def test_a_config_says_what_of_it_is_local() -> None:
    local = yaml.safe_load((ROOT / "serve_config.yaml").read_text())
    findings = list(check_shared_config(local, "x.yaml"))
    assert sum(one.verdict == "wrong" for one in findings) >= 4
    assert all(one.remedy for one in findings if one.verdict != "ok")
    shared = yaml.safe_load((ROOT / "serve_config.cluster.yaml").read_text())
    assert bad(check_shared_config(shared, "x.yaml")) == {"spool of spans": "warning"}
