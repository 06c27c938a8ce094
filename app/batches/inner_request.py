"""One line of a batch, asked of the application in this process: through all of its middlewares and
routes, but by no connection."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message

from app.problems import STATUS_OF_CODE, problem_body
from app.request.background import BACKGROUND_KEY, Background
from deployments.contracts.errors import RagError


@dataclass(slots=True)
class InnerAnswer:
    """What the application answered."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


async def ask_inside(
    app: ASGIApp,
    path: str,
    body: bytes,
    *,
    kind: str = "application/json",
    request_id: str,
    background: Background,
) -> InnerAnswer:
    """Returns the whole answer to a POST.

    Args:
        app: The application.
        path: What is asked.
        body: What is sent.
        kind: Its media type.
        request_id: The id that the request has everywhere.
        background: For whom it is asked.
    """
    answer = InnerAnswer()
    pieces: list[bytes] = []
    waiting = [body]

    async def receive() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        await asyncio.Event().wait()  # nobody leaves: who stops this stops the task
        raise AssertionError

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            headers = message.get("headers", ())
            answer.headers = {
                name.decode("latin-1"): value.decode("latin-1") for name, value in headers
            }
        elif message["type"] == "http.response.body":
            pieces.append(message.get("body", b""))

    await app(_scope(path, kind, request_id, len(body), background), receive, send)
    answer.body = b"".join(pieces)
    return answer


def _scope(
    path: str, kind: str, request_id: str, length: int, background: Background
) -> dict[str, Any]:
    headers = {
        "host": "localhost",
        "content-type": kind,
        "content-length": str(length),
        "x-request-id": request_id,
    }
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": None,
        "server": None,
        BACKGROUND_KEY: background,
    }


def refused(error: RagError, *, request_id: str, path: str) -> InnerAnswer:
    """Returns the answer to a line that is not asked at all."""
    code = error.code
    body = problem_body(code, str(error), request_id=request_id, instance=path)
    return InnerAnswer(STATUS_OF_CODE[code][0], body=json.dumps(body).encode())
