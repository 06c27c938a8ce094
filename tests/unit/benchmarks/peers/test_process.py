"""Servers are started, frozen and stopped: real processes on loopback."""

import sys
import time
from pathlib import Path

import httpx
import psutil
import pytest

from benchmarks.peers.process import Server, ServerFailed, free_port


def make_server(tmp_path: Path, *command: str) -> Server:
    return Server("peer", [sys.executable, *command], log_file=tmp_path / "peer.log")


def test_server_is_ready_frozen_thawed_and_stopped(tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    with make_server(tmp_path, "-m", "http.server", "--bind", "127.0.0.1", str(port)) as server:
        server.wait_ready(url, timeout_s=20.0)
        process = psutil.Process(server.pid)
        server.freeze()
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(url, timeout=0.2, trust_env=False)
        server.thaw()
        assert httpx.get(url, timeout=5.0, trust_env=False).status_code == 200
        server.freeze()
    assert not process.is_running()
    server.stop()


def test_server_that_ends_at_once_shows_why(tmp_path: Path) -> None:
    with (
        make_server(tmp_path, "-c", "raise SystemExit('no such model')") as server,
        pytest.raises(ServerFailed, match="peer ended while it started:\nno such model"),
    ):
        server.wait_ready(f"http://127.0.0.1:{free_port()}/", timeout_s=20.0)


def test_server_that_is_never_ready_is_given_up(tmp_path: Path) -> None:
    with (
        make_server(tmp_path, "-c", "import time; time.sleep(60)") as server,
        pytest.raises(ServerFailed, match="not ready after 0.3 s"),
    ):
        server.wait_ready(f"http://127.0.0.1:{free_port()}/", timeout_s=0.3)


def test_server_that_ignores_the_request_is_ended(tmp_path: Path) -> None:
    ignoring = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "print('up', flush=True); time.sleep(60)"
    )
    server = make_server(tmp_path, "-c", ignoring)
    with server:
        process = psutil.Process(server.pid)
        while not (tmp_path / "peer.log").read_text():
            time.sleep(0.02)
        server.stop(grace_s=0.1)
        assert not process.is_running()
