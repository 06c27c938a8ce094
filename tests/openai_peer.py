"""A server that speaks OpenAI's protocol by a script: the model's name chooses what it does, or,
for the model `scripted`, the first word of what it is asked.

Used over real sockets, in a thread of the tests or as `python -m tests.openai_peer --port N`.
It remembers what it was asked, and who left before the end: `GET /requests`.
"""

import argparse
import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from typing import Self

from aiohttp import web

from tests.openai_peer_script import BEHAVIOURS
from tests.openai_peer_turn import Received, Turn


class OpenAIPeer:
    """The server in a thread of its own; a context manager.

    Args:
        port: 0 takes a free one.
    """

    def __init__(self, port: int = 0) -> None:
        self._port = port
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._attempts: dict[tuple[str, str], int] = {}
        self.requests: list[Received] = []

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10), "the peer did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def received(self, request_id: str) -> list[Received]:
        """Returns what came under this id, in order."""
        return [one for one in list(self.requests) if one.request_id == request_id]

    def wait_until(self, condition: Callable[[], bool], *, within_s: float = 2.0) -> bool:
        """Returns whether a condition became true in time."""
        deadline_s = time.monotonic() + within_s
        while not condition():
            if time.monotonic() > deadline_s:
                return False
            time.sleep(0.005)
        return True

    def _run(self) -> None:
        self._loop.run_until_complete(self.serve(self._stop, self._ready))
        self._loop.close()

    async def serve(self, stop: asyncio.Event, ready: threading.Event) -> None:
        """Serves until it is told to stop."""
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._answer)
        app.router.add_post("/v1/completions", self._answer)
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/requests", self._report)
        # Without it, aiohttp lets a handler run on when its client has gone.
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self._port).start()
        self._port = runner.addresses[0][1]
        ready.set()
        await stop.wait()
        await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        headers = {name.lower(): value for name, value in request.headers.items()}
        assert request.transport is not None
        received = Received(
            request.path, body, headers, request.transport.get_extra_info("peername")[1]
        )
        self.requests.append(received)
        key = body["model"], received.request_id
        self._attempts[key] = self._attempts.get(key, 0) + 1
        turn = Turn(request, received, self._attempts[key])
        behaviour = BEHAVIOURS.get(_behaviour_name(turn), BEHAVIOURS["missing"])
        try:
            response = await behaviour(turn)
        except (asyncio.CancelledError, ConnectionError):
            received.disconnected = True
            raise
        received.finished = True
        return response or turn.response

    async def _models(self, request: web.Request) -> web.Response:
        models = [{"id": name, "object": "model"} for name in sorted(BEHAVIOURS)]
        return web.json_response({"object": "list", "data": models})

    async def _report(self, request: web.Request) -> web.Response:
        return web.json_response([asdict(one) for one in self.requests])


def _behaviour_name(turn: Turn) -> str:
    model: str = turn.body["model"]
    if model != "scripted":
        return model
    return (turn.question if turn.is_chat else turn.asked).split()[0]


def main() -> None:
    """Serves until the process is interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    peer = OpenAIPeer(parser.parse_args().port)
    with peer, suppress(KeyboardInterrupt):
        print(peer.base_url, flush=True)  # noqa: T201
        threading.Event().wait()


if __name__ == "__main__":
    main()
