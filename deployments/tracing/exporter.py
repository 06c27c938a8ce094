"""The exporter of a process: encodes spans once, and hands them to every destination's sender."""

import gzip
import os
import time
from collections.abc import Sequence

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from deployments.contracts.erasure import ErasureScope
from deployments.contracts.errors import ConfigError
from deployments.tracing.config import Destination, TracingArgs
from deployments.tracing.counters import TraceCounters
from deployments.tracing.erasing import SpanEraser
from deployments.tracing.otlp import OtlpClient
from deployments.tracing.sender import Sender
from deployments.tracing.spool import Batch, Spool
from deployments.tracing.spool_folder import spool_folder

_MAX_BODY_BYTES = 4 * 2**20
"""Before compression. Servers and proxies refuse what is too large for them, all of it."""
_GZIP_LEVEL = 1
"""Most of what gzip saves on text, for a quarter of the time that its default level takes."""


class SpoolingExporter(SpanExporter):
    """Encodes batches, and never waits for a server: sending is up to a thread per destination.

    Args:
        args: Destinations and bounds.
        counters: Told what becomes of the spans.

    Raises:
        ConfigError: A header's environment variable is empty, or the temporary folder is another
            user's.
    """

    def __init__(self, args: TracingArgs, counters: TraceCounters) -> None:
        self._counters = counters
        self._deadline_s: float | None = None
        self._senders: list[Sender] = []
        headers = [_headers(destination) for destination in args.destinations]
        folders = [
            spool_folder(args.spool_dir, destination.identity) for destination in args.destinations
        ]
        for destination, folder, sent in zip(args.destinations, folders, headers, strict=True):
            spool = Spool(folder, args.spool_bytes, counters)
            counters.watch_spool(lambda spool=spool: spool.size_bytes)  # type: ignore[misc]
            self._senders.append(
                Sender(
                    OtlpClient(destination, sent),
                    spool,
                    counters,
                    name=destination.host,
                    timeout_s=args.timeout_s,
                )
            )

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Encodes a batch and hands it on. It is a success always: what cannot be sent is kept,
        and what cannot be kept is counted."""
        if self._deadline_s is not None and time.monotonic() >= self._deadline_s:
            self._counters.drop("shut_down", len(spans))
            return SpanExportResult.SUCCESS
        body, encoded = _encode(spans)
        if len(body) > _MAX_BODY_BYTES and len(spans) > 1:
            half = len(spans) // 2
            self.export(spans[:half])
            return self.export(spans[half:])
        if encoded < len(spans):
            self._counters.drop("unencodable", len(spans) - encoded)
        if encoded:
            batch = Batch(gzip.compress(body, _GZIP_LEVEL, mtime=0), encoded)
            for sender in self._senders:
                sender.offer(batch)
        return SpanExportResult.SUCCESS

    def erase(self, scope: ErasureScope) -> int:
        """Removes the spans of a conversation or a user that wait on disk, for every destination,
        and returns how many."""
        return sum(sender.erase(SpanEraser(scope)) for sender in self._senders)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Waits until every batch was sent or is in the spool, and returns whether that came in
        time."""
        deadline_s = time.monotonic() + timeout_millis / 1000
        done = [sender.flush(max(0.0, deadline_s - time.monotonic())) for sender in self._senders]
        return all(done)

    def drain(self, timeout_s: float) -> None:
        """Begins the shutdown: what comes now is sent as long as the time allows, and goes into
        the spool after that."""
        if self._deadline_s is None:
            self._deadline_s = time.monotonic() + timeout_s
            for sender in self._senders:
                # The last part of the time is for the disk.
                sender.drain(self._deadline_s - min(0.5, timeout_s / 4))

    def shutdown(self) -> None:
        """Ends the senders, and leaves in the spool what they did not send."""
        self.drain(0.0)
        for sender in self._senders:
            sender.close()


def _encode(spans: Sequence[ReadableSpan]) -> tuple[bytes, int]:
    """Returns the encoded spans and their number. One that protobuf refuses, as it does a text
    with half of a surrogate pair, must not take the batch with it."""
    try:
        return encode_spans(spans).SerializeToString(), len(spans)
    except Exception:
        good = [span for span in spans if _encodable(span)]
        return (encode_spans(good).SerializeToString() if good else b""), len(good)


def _encodable(span: ReadableSpan) -> bool:
    try:
        encode_spans([span]).SerializeToString()
    except Exception:
        return False
    return True


def _headers(destination: Destination) -> dict[str, str]:
    headers = {}
    for header, variable in destination.headers_env.items():
        value = os.environ.get(variable)
        if not value:
            raise ConfigError(
                f"The environment variable {variable} is to hold a header, and is empty."
            )
        headers[header] = value
    return headers
