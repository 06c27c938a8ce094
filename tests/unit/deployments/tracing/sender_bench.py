"""A sender of its own for a test, that loses patience soon."""

import gzip
import time
from collections.abc import Callable
from pathlib import Path

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan

from deployments.tracing.config import Destination
from deployments.tracing.counters import TraceCounters
from deployments.tracing.otlp import OtlpClient
from deployments.tracing.sender import Sender
from deployments.tracing.spool import Batch, Spool
from tests.unit.deployments.tracing.scripted_server import ScriptedServer

MakeSpans = Callable[..., list[ReadableSpan]]


class Bench:
    """A sender with its spool and counters, and spans for it."""

    def __init__(self, server: ScriptedServer, folder: Path, make_spans: MakeSpans) -> None:
        self.counters = TraceCounters()
        self._server = server
        self._folder = folder
        self._make_spans = make_spans
        self.spool = Spool(folder, 1 << 24, self.counters)
        self.sender = self._start()

    def _start(self, timeout_s: float = 0.3) -> Sender:
        destination = Destination(otlp_url=f"{self._server.url}/v1/traces")
        return Sender(
            OtlpClient(destination, {}),
            self.spool,
            self.counters,
            name="server",
            timeout_s=timeout_s,
            backoff_s=0.04,
        )

    def restart(self, timeout_s: float = 0.3) -> None:
        """Ends the sender as a process does, and starts the next one."""
        self.sender.drain(time.monotonic() + 0.05)
        self.sender.close()
        self.spool = Spool(self._folder, 1 << 24, self.counters)
        self.sender = self._start(timeout_s)

    def offer(self, *names: str) -> None:
        """Offers one batch with spans of these names."""
        body = encode_spans(self._make_spans(*names)).SerializeToString()
        self.sender.offer(Batch(gzip.compress(body), len(names)))

    def gone(self) -> dict[str, int]:
        """Returns the drops, by reason."""
        return {str(why): n for why, n in self.counters.snapshot().dropped.items() if n}
