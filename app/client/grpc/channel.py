"""How a channel is made, and a response of the shape that readers of answers know."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import grpc
import httpx

from app.client.calls import Call
from app.client.connection import Connection

_MAX_MESSAGE_BYTES = 64 * 1024 * 1024
_KEEPALIVE_MS = 20_000
OPTIONS = (
    ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", _MAX_MESSAGE_BYTES),
    # Notices a service that is gone without a word, also while a stream is silent.
    ("grpc.keepalive_time_ms", _KEEPALIVE_MS),
    ("grpc.keepalive_timeout_ms", _KEEPALIVE_MS // 2),
    ("grpc.http2.max_pings_without_data", 0),
    # The client repeats calls by its own rules.
    ("grpc.enable_retries", 0),
    # Two clients of one address do not share a connection: closing one must not harm the other.
    ("grpc.use_local_subchannel_pool", 1),
)
_DEFAULT_PORTS = {"grpc": 9000, "grpcs": 443}


def target_of(url: str) -> str:
    """Returns host and port of an address.

    >>> target_of("grpc://127.0.0.1"), target_of("grpcs://[::1]:8443")
    ('127.0.0.1:9000', '[::1]:8443')
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return f"{host}:{parts.port or _DEFAULT_PORTS[parts.scheme]}"


def credentials_of(url: str) -> Any:
    """Returns how the server proves who it is; None where nothing is encrypted."""
    return grpc.ssl_channel_credentials() if url.startswith("grpcs:") else None


def bytes_of(message: Any) -> bytes:
    """Returns a message as it is sent."""
    content: bytes = message.SerializeToString()
    return content


def metadata_of(connection: Connection) -> list[tuple[str, str]]:
    """Returns what goes with every call."""
    return [(name.lower(), value) for name, value in connection.headers.items()]


def response_of(
    connection: Connection, call: Call[Any], content: Mapping[str, Any] | Any
) -> httpx.Response:
    """Returns an answer as HTTP has it: an object as JSON, or a stream of events."""
    request = httpx.Request(call.method, f"{connection.url}{call.path}")
    if isinstance(content, Mapping):
        return httpx.Response(200, content=json.dumps(content).encode(), request=request)
    headers = {"content-type": "text/event-stream"}
    return httpx.Response(200, headers=headers, stream=content, request=request)
