"""nginx with the shipped file before a small server: TLS, streams, and clients who leave."""

import re
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.unit.deploy.charts import ROOT
from tests.unit.deploy.conftest import tool

CONFIG = ROOT / "deploy/tls/nginx.conf"


class Streaming(BaseHTTPRequestHandler):
    """Sends a piece, waits until the test has seen it, and goes on until its client has left."""

    seen = threading.Event()
    left = threading.Event()

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("x-proto", self.headers["x-forwarded-proto"])
        self.end_headers()
        self.wfile.write(b"first\n")
        self.seen.wait(20)
        try:
            while True:
                self.wfile.write(b"more\n")
                time.sleep(0.05)
        except OSError:
            self.left.set()

    def log_message(self, format: str, *args: object) -> None:
        pass


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@pytest.fixture
def tls_port(tmp_path: Path) -> Iterator[int]:
    """nginx on a port of its own, with a certificate that nobody has signed."""
    nginx, openssl = tool("nginx", "Debian's package nginx"), tool("openssl", "Debian's package")
    backend = ThreadingHTTPServer(("127.0.0.1", 0), Streaming)
    backend.daemon_threads = True
    threading.Thread(target=backend.serve_forever, daemon=True).start()
    certificate = [
        "-keyout",
        "privkey.pem",
        "-out",
        "fullchain.pem",
        "-subj",
        "/CN=rag.example.com",
    ]
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", *certificate],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    port = free_port()
    text = CONFIG.read_text(encoding="utf-8").replace("/etc/nginx/tls", str(tmp_path))
    text = text.replace("listen 80;", f"listen 127.0.0.1:{free_port()};")
    text = text.replace("listen 443 ", f"listen 127.0.0.1:{port} ")
    text = text.replace("127.0.0.1:8000", f"127.0.0.1:{backend.server_port}")
    folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    temporary = "".join(f"{name}_temp_path {tmp_path}/{name};" for name in folders)
    text = re.sub(r"^http \{", f"http {{ access_log off; {temporary}", text, flags=re.MULTILINE)
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error.log;\n{text}"
    )
    with subprocess.Popen(
        [nginx, "-e", f"{tmp_path}/error.log", "-c", f"{tmp_path}/nginx.conf"]
    ) as process:
        try:
            yield port
        finally:
            process.terminate()
            backend.shutdown()
            backend.server_close()


def connect(port: int) -> ssl.SSLSocket:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    deadline = time.monotonic() + 20
    while True:
        try:
            return context.wrap_socket(socket.create_connection(("127.0.0.1", port), 20))
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def test_a_stream_comes_piece_by_piece_and_ends_with_its_client(tls_port: int) -> None:
    with connect(tls_port) as client:
        assert client.version() in ("TLSv1.2", "TLSv1.3")
        client.sendall(b"GET /v1/query HTTP/1.1\r\nHost: rag.example.com\r\n\r\n")
        answer = b""
        while b"first" not in answer:
            piece = client.recv(4096)
            assert piece, answer
            answer += piece
        assert b"x-proto: https" in answer.lower()
        assert b"strict-transport-security" in answer.lower()
        Streaming.seen.set()
    assert Streaming.left.wait(20), "the service works on for nobody"
