"""Ports that somebody has: real listeners."""

import os
import socket
from collections.abc import Iterator

import pytest

from app.doctor.ports import check_fallback_ports, check_port
from app.local.ports import PortNeed

HTTP = "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT"
GRPC = "RAY_SERVE_FALLBACK_PROXY_GRPC_PORT"


@pytest.fixture
def busy() -> Iterator[int]:
    """A port that its holder shares with whoever asks, as Serve's fallback proxy does."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.fixture
def free() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
        return port


def test_a_port_that_is_taken_is_wrong_with_its_holder(busy: int) -> None:
    finding = check_port(PortNeed(busy, "Chroma", "Take another one: --chroma-port"))
    assert finding.verdict == "wrong"
    assert f"pid {os.getpid()}" in finding.found
    assert finding.remedy == "Take another one: --chroma-port"


def test_a_free_port(free: int) -> None:
    assert check_port(PortNeed(free, "Chroma", "")).verdict == "ok"


@pytest.mark.parametrize(("variable", "verdict"), [(HTTP, "wrong"), (GRPC, "warning")])
def test_a_second_stack_on_the_fallback_port_of_a_node(
    busy: int, free: int, variable: str, verdict: str
) -> None:
    ports = {HTTP: str(free), GRPC: str(free), variable: str(busy)}
    [finding] = [one for one in check_fallback_ports(ports, moves=False) if one.verdict != "ok"]
    assert (finding.name, finding.verdict) == (f"fallback port {busy}", verdict)
    assert variable in finding.remedy


@pytest.mark.parametrize("variable", [HTTP, GRPC])
def test_a_local_stack_takes_another_fallback_port(busy: int, free: int, variable: str) -> None:
    ports = {HTTP: str(free), GRPC: str(free), variable: str(busy)}
    findings = list(check_fallback_ports(ports, moves=True))
    assert [finding.verdict for finding in findings] == ["ok", "ok"]
    assert any("takes another one" in finding.found for finding in findings)
