"""Decisions of a start that need no server: who is in the way, what runs already."""

import os
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from app.client.errors import CliError
from app.cluster.serve_config import ServeConfig, load_serve_config
from app.cluster.timeline import Timeline
from app.local.home import Home
from app.local.planning import UpOptions, new_state, port_needs, require_chroma_port
from app.local.ports import choose_ports
from app.local.processes import created_after_s
from app.local.starting import launch
from app.local.state import ChildRecord, StackState, read_state, write_state
from app.local.stopping import stop_stack, take_down

ROOT = Path(__file__).parents[4]


def accept(config: ServeConfig) -> None:
    """Finds nothing wrong."""


def options(tmp_path: Path, **changes: int | None) -> UpOptions:
    file = tmp_path / "serve_config.yaml"
    file.write_text("applications: [{name: gateway}]")
    ports: dict[str, int | None] = {"api_port": None, "chroma_port": 8100, "mlflow_port": 5000}
    given: dict[str, Any] = {**ports, **changes}
    return UpOptions(config_file=file, **given)


def state(tmp_path: Path, *children: ChildRecord) -> StackState:
    return StackState(
        instance="no such start",
        started_s=0.0,
        temp_dir=str(tmp_path / "run"),
        api_url="http://127.0.0.1:1",
        api_port=1,
        dashboard_url="http://127.0.0.1:1",
        children=children,
    )


def test_a_busy_port_stops_a_start_before_anything_is_made(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        command = launch(home, timeline=Timeline(), check=accept, timeout_s=1)
        with pytest.raises(CliError, match=f"Port {port}, needed for the API"):
            command.bring_up(options(tmp_path, api_port=port))
    assert not home.root.exists()


def test_grpc_has_a_port_that_must_be_free_and_an_address_to_show(tmp_path: Path) -> None:
    config = load_serve_config(ROOT / "serve_config.yaml")
    assert config.grpc_port is None
    grpc_options = {"port": 9001, "grpc_servicer_functions": ["a.b"]}
    config = replace(config, document={**config.document, "grpc_options": grpc_options})
    needs = port_needs(config, options(tmp_path))
    assert ("gRPC", 9001) in [(need.purpose, need.port) for need in needs]
    ports = choose_ports(api=1, chroma=None, mlflow=None, grpc=config.grpc_port)
    assert new_state(config, ports).urls["gRPC"] == "grpc://127.0.0.1:9001"


def test_a_server_that_is_left_out_needs_no_port(tmp_path: Path) -> None:
    chosen = options(tmp_path, chroma_port=None, mlflow_port=None)
    needs = port_needs(load_serve_config(chosen.config_file), chosen)
    assert [need.purpose for need in needs] == ["the API"]


@pytest.mark.parametrize(
    ("url", "port", "is_refused"),
    [
        ("http://127.0.0.1:8100", 8100, False),
        ("http://127.0.0.1:8100", 8200, True),
        ("http://localhost:8100", 8200, True),
        ("http://127.0.0.1:8100", None, False),
        ("http://chroma.internal:8000", 8200, False),
        ("http://127.0.0.1:port", 8200, False),
        (None, 8200, False),
    ],
)
def test_a_chroma_that_no_application_would_find_is_not_started(
    tmp_path: Path, url: str | None, port: int | None, is_refused: bool
) -> None:
    chosen = options(tmp_path, chroma_port=port)
    store = {} if url is None else {"store": {"url": url}}
    chosen.config_file.write_text(
        yaml.safe_dump({"applications": [{"name": "gateway"}, {"name": "a", "args": store}]})
    )
    config = load_serve_config(chosen.config_file)
    if not is_refused:
        require_chroma_port(config, chosen)
        return
    with pytest.raises(CliError, match=r"looks for it on port 8100") as caught:
        require_chroma_port(config, chosen)
    assert "--chroma-port" in caught.value.hint


def test_deploying_without_a_stack_says_how_to_start_one(tmp_path: Path) -> None:
    command = launch(Home(tmp_path), timeline=Timeline(), check=accept, timeout_s=1)
    with pytest.raises(CliError, match="Nothing runs") as caught:
        command.redeploy(None)
    assert "ragserve up" in caught.value.hint


def test_stopping_a_run_whose_processes_are_gone_clears_its_files(tmp_path: Path) -> None:
    """The recorded pid belongs to another process by now: this one."""
    home = Home(tmp_path / "home")
    home.create()
    stranger = ChildRecord("ray", os.getpid(), created_after_s(psutil.Process()) - 3600, "")
    run = state(tmp_path, stranger)
    session_logs = tmp_path / "run" / "ray" / "session_1" / "logs"
    session_logs.mkdir(parents=True)
    (session_logs / "raylet.out").write_text("hello")
    write_state(home.state_file, run)
    result = stop_stack(run, home=home)
    assert (result.stopped, result.killed) == (0, 0)
    assert read_state(home.state_file) is None
    assert not (tmp_path / "ray").exists()
    assert (home.logs / "ray" / "raylet.out").read_text() == "hello"


def test_taking_down_twice_is_no_error(tmp_path: Path) -> None:
    assert take_down(Home(tmp_path)) is None
