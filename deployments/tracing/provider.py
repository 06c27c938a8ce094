"""Makes the tracer provider of a process. It is not set as the global one: libraries that trace
themselves into that would send spans that nobody asked for."""

from collections.abc import Mapping, Sequence

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased

from deployments.contracts.erasure import ErasureScope
from deployments.tracing.config import TracingArgs
from deployments.tracing.counters import TraceCounters
from deployments.tracing.exporter import SpoolingExporter


def make_provider(
    args: TracingArgs, *, resource_attributes: Mapping[str, str]
) -> tuple["SpoolingTracerProvider", TraceCounters]:
    """Returns a provider whose spans go to the destinations, and what counts them.

    A span is recorded unless its parent was not. Without a destination none is, and a tracer costs
    next to nothing. Call it once in a process, after any fork.

    Raises:
        ConfigError: A header's environment variable is empty, or the temporary folder is another
            user's.
    """
    counters = TraceCounters()
    resource = Resource.create(dict(resource_attributes))
    return SpoolingTracerProvider(args, counters, resource), counters


class SpoolingTracerProvider(TracerProvider):
    """A tracer provider whose shutdown keeps a deadline and loses nothing it can keep."""

    def __init__(self, args: TracingArgs, counters: TraceCounters, resource: Resource) -> None:
        recorded = self._recorded = bool(args.destinations)
        super().__init__(
            sampler=ParentBased(ALWAYS_ON) if recorded else ALWAYS_OFF, resource=resource
        )
        self._exporter = SpoolingExporter(args, counters)
        if recorded:
            self.add_span_processor(BoundedBatchProcessor(self._exporter, counters, args))

    @property
    def recorded(self) -> bool:
        """Whether spans go anywhere."""
        return self._recorded

    def keep(self, spans: Sequence[ReadableSpan]) -> None:
        """Takes spans that were made from what is known once a request has ended."""
        for span in spans:
            self._active_span_processor.on_end(span)

    def erase(self, scope: ErasureScope) -> int:
        """Removes spans that wait on disk; see `SpoolingExporter.erase`. Those that are on their
        way there come by the next time."""
        return self._exporter.erase(scope)

    def shutdown(self, timeout_s: float = 5.0) -> None:
        """Sends what has ended, or keeps it in the spool, within so many seconds. A process that
        exits calls it by itself; one that gets a signal must do so."""
        self._exporter.drain(timeout_s)
        super().shutdown()


class BoundedBatchProcessor(BatchSpanProcessor):
    """The SDK's batches behind a bound of our own, which counts what it turns away.

    The SDK's own queue drops silently, but for a metric behind an experimental switch. The count
    here is never lower than what is in that queue, so that it never gets to drop anything.
    """

    def __init__(
        self, exporter: SpoolingExporter, counters: TraceCounters, args: TracingArgs
    ) -> None:
        self._counters = counters
        self._spoolers = exporter
        self._queue_spans = args.queue_spans
        self._closed = False
        super().__init__(
            _Counted(exporter, counters),
            max_queue_size=args.queue_spans,
            schedule_delay_millis=args.every_s * 1000,
            max_export_batch_size=args.batch_spans,
        )

    def on_end(self, span: ReadableSpan) -> None:
        """Queues a span. Called where the span ends: no more than a lock and an append."""
        if not (span.context and span.context.trace_flags.sampled):
            return
        if not self._counters.admit(self._queue_spans):
            return
        if self._closed:
            self._counters.take(1)
            self._counters.drop("shut_down", 1)
            return
        super().on_end(span)

    def force_flush(self, timeout_millis: int | None = None) -> bool:
        """Waits until every span that ended is sent, or in the spool."""
        super().force_flush(timeout_millis)
        return self._spoolers.force_flush(30_000 if timeout_millis is None else timeout_millis)

    def shutdown(self) -> None:
        """Encodes what is queued, and ends the exporter."""
        self._closed = True
        super().shutdown()  # type: ignore[no-untyped-call]


class _Counted(SpanExporter):
    """Notes that spans have left the queue, which the SDK tells nobody."""

    def __init__(self, exporter: SpoolingExporter, counters: TraceCounters) -> None:
        self._exporter = exporter
        self._counters = counters

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._counters.take(len(spans))
        return self._exporter.export(spans)

    def shutdown(self) -> None:
        self._exporter.shutdown()
