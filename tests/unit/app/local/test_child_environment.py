"""The environment of Ray and of the two servers beside it."""

from pathlib import Path

import pytest

from app.local.environment import (
    INSTANCE_VARIABLE,
    child_environment,
    chroma_environment,
    mlflow_environment,
    ray_environment,
    shell_exports,
)
from app.local.log_rotation import LogLimits
from app.local.ports import StackPorts

PORTS = StackPorts(
    api=8000,
    chroma=8100,
    mlflow=5000,
    dashboard=8265,
    gcs=6379,
    ray_client=10001,
    dashboard_agent=52365,
    dashboard_metrics=44227,
    haproxy_stats=18404,
    haproxy_metrics=19101,
    fallback_proxy=8500,
    fallback_grpc=9500,
)


def settings(
    *, with_haproxy: bool = True, temp_dir: Path = Path("/tmp/rag-12345678")
) -> dict[str, str]:
    return ray_environment(
        instance="one",
        token_file=Path("/home/me/.ragserve/ray_token"),
        run_dir=temp_dir,
        import_dir=Path("/home/me/project"),
        ports=PORTS,
        cpu_count=4,
        haproxy=temp_dir / "haproxy" if with_haproxy else None,
        log_limits=LogLimits(file_bytes=1000, archives=2),
    )


def test_ray_keeps_its_guard_and_stays_on_loopback() -> None:
    environment = settings()
    assert environment["RAY_AUTH_MODE"] == "token"
    assert environment["RAY_AUTH_TOKEN_PATH"] == "/home/me/.ragserve/ray_token"
    assert environment["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] == "0"


def test_ray_rotates_its_own_logs_as_the_others_are() -> None:
    environment = settings()
    assert environment["RAY_ROTATION_MAX_BYTES"] == "1000"
    assert environment["RAY_ROTATION_BACKUP_COUNT"] == "2"


@pytest.mark.parametrize(
    ("inherited", "level"),
    [({}, "warn"), ({"RUST_LOG": ""}, "warn"), ({"RUST_LOG": "info"}, "info")],
)
def test_chroma_tells_of_trouble_only_unless_asked(inherited: dict[str, str], level: str) -> None:
    assert chroma_environment(inherited, instance="one")["RUST_LOG"] == level


def test_ray_leaves_the_number_of_threads_to_the_replicas() -> None:
    assert "OMP_NUM_THREADS" not in settings()


def test_haproxy_gets_its_own_ports_and_folder() -> None:
    environment = settings()
    assert environment["RAY_SERVE_ENABLE_HA_PROXY"] == "1"
    assert environment["RAY_SERVE_THROUGHPUT_OPTIMIZED"] == "1"
    assert environment["RAY_SERVE_REQUEST_PATH_LOG_BUFFER_SIZE"] == "1"
    assert environment["RAY_SERVE_HAPROXY_STATS_PORT"] == "18404"
    assert environment["RAY_SERVE_HAPROXY_METRICS_PORT"] == "19101"
    files = [value for value in environment.values() if value.startswith("/tmp/rag-12345678/")]
    assert len(files) == 6


def test_haproxy_socket_fits_into_a_socket_address() -> None:
    """Serve puts a node id of 56 characters in between, HAProxy a suffix while it starts."""
    folder = Path(settings()["RAY_SERVE_HAPROXY_SOCKET_PATH"]).parent
    longest = folder / ("n" * 56) / "admin.sock.1234567.tmp"
    assert len(str(longest)) <= 107


def test_without_haproxy_serve_uses_its_own_proxy() -> None:
    environment = settings(with_haproxy=False)
    assert not [name for name in environment if "HAPROXY" in name or "HA_PROXY" in name]
    assert "RAY_SERVE_THROUGHPUT_OPTIMIZED" not in environment


@pytest.mark.parametrize(
    "environment",
    [settings(), mlflow_environment(instance="one"), chroma_environment({}, instance="one")],
    ids=["ray", "mlflow", "chroma"],
)
def test_every_server_carries_the_id_of_its_start(environment: dict[str, str]) -> None:
    assert environment[INSTANCE_VARIABLE] == "one"


def test_settings_win_over_the_shell() -> None:
    merged = child_environment({"RAY_AUTH_MODE": "disabled", "HOME": "/root"}, settings())
    assert merged["RAY_AUTH_MODE"] == "token"
    assert merged["HOME"] == "/root"


@pytest.mark.parametrize("name", ["RAY_ADDRESS", "RAY_AUTH_TOKEN", "RAY_DASHBOARD_ADDRESS"])
def test_what_the_shell_knows_of_another_ray_is_dropped(name: str) -> None:
    assert name not in child_environment({name: "other"}, settings())


def test_import_folders_are_joined_ours_first() -> None:
    merged = child_environment({"PYTHONPATH": "/theirs"}, settings())
    assert merged["PYTHONPATH"] == "/home/me/project:/theirs"


def test_shell_exports_quote_what_a_shell_would_split() -> None:
    text = shell_exports(
        token_file=Path("/my folder/token"),
        dashboard_url="http://127.0.0.1:8265",
        gcs_address="127.0.0.1:6379",
    )
    assert "export RAY_AUTH_TOKEN_PATH='/my folder/token'\n" in text
    assert "export RAY_DASHBOARD_ADDRESS=http://127.0.0.1:8265\n" in text
