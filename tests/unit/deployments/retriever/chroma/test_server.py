"""A server that answers oddly, late or never, in the place of Chroma's."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from deployments.contracts.errors import Unavailable
from deployments.retriever.chroma.connection import Chroma
from deployments.retriever.config import StoreArgs

TIMEOUT_S = 0.3


class OddServer(ThreadingHTTPServer):
    """Answers as Chroma does to whoever connects; `manner` changes that."""

    daemon_threads = True
    manner = "good"

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.stopped = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: OddServer

    def log_message(self, *args: object) -> None: ...

    def answer(self, status: int, body: str, kind: str = "application/json") -> None:
        content = body.encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        manner = self.server.manner
        if manner == "hangs" or (manner == "hangs-when-opened" and "identity" in self.path):
            self.server.stopped.wait()
        elif manner == "gateway":
            self.answer(502, "<html>bad gateway</html>", "text/html")
        elif manner == "upstream":
            self.answer(503, "upstream connect error", "text/plain")
        elif manner == "forbidden":
            self.answer(403, "<html>log in</html>", "text/html")
        elif manner == "maintenance":
            self.answer(200, "<html>maintenance</html>", "text/html")
        elif manner == "cut":
            self.answer(200, '{"nanosecond heart')
        elif manner == "nameless":
            self.answer(500, json.dumps({"error": "NewKindOfError", "message": "secret"}))
        elif self.path.endswith("heartbeat"):
            self.answer(200, json.dumps({"nanosecond heartbeat": 1}))
        elif self.path.endswith("identity"):
            tenant = {"tenant": "default_tenant", "databases": ["default_database"]}
            self.answer(200, json.dumps({"user_id": "", **tenant}))
        else:
            self.answer(200, "{}")

    do_POST = do_GET


@pytest.fixture
def server() -> Iterator[OddServer]:
    server = OddServer()
    serving = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    serving.start()
    yield server
    server.stopped.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def chroma(server: OddServer) -> Iterator[Chroma]:
    chroma = Chroma(StoreArgs(url=server.url, timeout_s=TIMEOUT_S, connect_timeout_s=TIMEOUT_S))
    yield chroma
    chroma.close()


@pytest.mark.parametrize(
    "manner",
    ["gateway", "upstream", "forbidden", "maintenance", "cut", "nameless", "hangs"],
)
@pytest.mark.parametrize("opened", [True, False], ids=["opened", "at-first"])
def test_an_odd_answer_is_a_store_that_is_away(
    server: OddServer, chroma: Chroma, manner: str, opened: bool
) -> None:
    if opened:
        chroma.ping()
    server.manner = manner
    begun_s = time.monotonic()
    with pytest.raises(Unavailable) as caught:
        chroma.ping()
    assert time.monotonic() - begun_s < 3 * TIMEOUT_S
    assert "html" not in str(caught.value)
    assert "secret" not in str(caught.value)
    server.manner = "good"
    chroma.ping()


def test_opening_ends_too(server: OddServer, chroma: Chroma) -> None:
    server.manner = "hangs-when-opened"
    for _ in range(2):
        with pytest.raises(Unavailable):
            chroma.ping()


def test_who_does_not_even_accept_is_away() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        port = deaf.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            chroma = Chroma(
                StoreArgs(
                    url=f"http://127.0.0.1:{port}", timeout_s=TIMEOUT_S, connect_timeout_s=0.1
                )
            )
            with pytest.raises(Unavailable):
                chroma.ping()


def test_silence_is_counted_from_the_last_answer(server: OddServer) -> None:
    now_s = 100.0
    args = StoreArgs(url=server.url, timeout_s=TIMEOUT_S)
    chroma = Chroma(args, now=lambda: now_s)
    assert chroma.silence_s() == float("inf")
    chroma.ping()
    now_s += 7.0
    server.manner = "gateway"
    with pytest.raises(Unavailable):
        chroma.ping()
    assert chroma.silence_s() == 7.0
    server.manner = "good"
    chroma.ping()
    assert chroma.silence_s() == 0.0
    chroma.close()
