"""A small HTTP server in a thread, which gives canned answers and remembers what it was asked."""

import json
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from app.cli.main import main


@dataclass
class Answer:
    """One answer; a `body` that is text is sent as it is."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class CannedService:
    """Gives its answers in their order, the last one for ever."""

    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    asked: list[tuple[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    respond: Callable[[Any], Answer] | None = None

    def answer_to(self, path: str, body: Any) -> Answer:
        self.asked.append((path, body))
        if self.respond is not None:
            return self.respond(body)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def service() -> Iterator[CannedService]:
    canned = CannedService()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["content-length"] or 0))
            canned.keys.append(self.headers["authorization"])
            answer = canned.answer_to(self.path, json.loads(content or "null"))
            body = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
            data = body.encode()
            self.send_response(answer.status)
            for name, value in {"content-length": str(len(data)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PUT = do_PATCH = do_DELETE = do_POST

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    canned.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.005,))
    thread.start()
    yield canned
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def ragserve(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ended]:
    """Runs the command as the shell does, errors of the stack included."""

    def run(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["ragserve", *arguments])
        with pytest.raises(SystemExit) as caught:
            main()
        code = caught.value.code
        captured = capsys.readouterr()
        return Ended(code if isinstance(code, int) else int(bool(code)), captured.out, captured.err)

    return run
