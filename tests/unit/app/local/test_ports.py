"""Ports that are taken, and the ones taken instead."""

import os
import socket
from collections.abc import Iterator

import pytest

from app.client.errors import CliError
from app.local.ports import PortNeed, busy_message, choose_ports, holder, is_free, require_free


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_port_with_a_listener_is_not_free(busy_port: int) -> None:
    assert not is_free(busy_port)
    assert not is_free(busy_port, "0.0.0.0")


def test_a_port_is_free_again_when_its_listener_has_gone() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
    assert is_free(port)


def test_the_holder_is_named_with_its_process(busy_port: int) -> None:
    assert holder(busy_port).startswith(f"pid {os.getpid()} (")


def test_refusal_names_port_purpose_holder_and_remedy(busy_port: int) -> None:
    need = PortNeed(busy_port, "MLflow", "Take another one: --mlflow-port")
    with pytest.raises(CliError) as caught:
        require_free([need])
    assert f"Port {busy_port}, needed for MLflow, is in use by pid {os.getpid()}" in str(
        caught.value
    )
    assert caught.value.hint == "Take another one: --mlflow-port"


def test_refusal_says_so_where_the_holder_cannot_be_seen() -> None:
    message = busy_message(PortNeed(80, "the API", ""), "")
    assert message == "Port 80, needed for the API, is in use (by whom is not visible to this user)"


def test_chosen_ports_are_distinct_even_if_a_client_port_is_one_that_ray_prefers() -> None:
    ports = choose_ports(api=8265, chroma=6379, mlflow=None, grpc=9500)
    chosen = [port for port in vars(ports).values() if port is not None]
    assert len(chosen) == len(set(chosen)) == 11
    assert ports.fallback_grpc != 9500
    assert ports.dashboard != 8265
    assert ports.gcs != 6379
