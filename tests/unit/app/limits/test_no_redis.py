"""A URL that leads to something else than Redis, such as Ray's own control store."""

import socket
import threading
from collections.abc import Iterator

import pytest

from app.limits.stores.redis_store import RedisStore
from app.storage.circuit import StoreAway
from deployments.contracts.errors import ConfigError

SETTINGS_FRAME = bytes.fromhex(
    "000018040000000000000300000000000400400000000500400000000600002000fe0300000001"
)
"""What a gRPC server says to whoever connects."""


@pytest.fixture(params=[SETTINGS_FRAME, b"HTTP/1.1 400 Bad Request\r\n\r\n"], ids=["grpc", "http"])
def other_server(request: pytest.FixtureRequest) -> Iterator[int]:
    """The port of a server that speaks another protocol, and hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))
    port: int = listener.getsockname()[1]

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(4096)
                connection.sendall(request.param)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield port
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)


def test_what_answers_and_is_no_redis_is_named_as_such(other_server: int) -> None:
    store = RedisStore(f"redis://127.0.0.1:{other_server}/0")
    with pytest.raises(ConfigError, match="no Redis"):
        store.check()
    store.close()


def test_nothing_that_answers_is_no_error_of_the_settings() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    store = RedisStore(f"redis://127.0.0.1:{port}/0")
    with pytest.raises(StoreAway):
        store.check()
    store.close()
