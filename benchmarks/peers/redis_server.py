"""A Redis server of one's own, on a port that nobody else has."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_STARTS_S = 20.0


def redis_program() -> str | None:
    """Returns the path of the server, None where it is not installed."""
    return shutil.which("redis-server")


@dataclass
class RedisServer:
    """A server that can be stopped and started again, on the same port."""

    program: str
    port: int
    host: str = "127.0.0.1"
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"redis://{self.host}:{self.port}/0"

    def start(self) -> None:
        """Starts it, empty, and waits until it answers."""
        settings = {"port": str(self.port), "bind": self.host, "save": "", "appendonly": "no"}
        options = [part for name, value in settings.items() for part in (f"--{name}", value)]
        self.process = subprocess.Popen(
            [self.program, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline_s = time.monotonic() + _STARTS_S
        while True:
            try:
                socket.create_connection((self.host, self.port), timeout=1).close()
                return
            except OSError:
                assert time.monotonic() < deadline_s, "redis-server does not answer"
                assert self.process.poll() is None, "redis-server has ended"
                time.sleep(0.02)

    def stop(self) -> None:
        """Kills it, where it runs."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(timeout=10)
            self.process = None


@contextmanager
def running_redis(program: str, *, host: str = "127.0.0.1") -> Iterator[RedisServer]:
    """Runs a server as long as the block does."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port = probe.getsockname()[1]
    server = RedisServer(program, port, host)
    server.start()
    try:
        yield server
    finally:
        server.stop()
