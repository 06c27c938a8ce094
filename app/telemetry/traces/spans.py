"""From a finished request to the spans of its trace: one for the request, one for each stage, one
for each step inside a stage.

Spans are made here, after the answer, and not where the work was done: the request's trace is
written by one process, which knows all of it when it decides whether to keep it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from app.request.attempt import StageTime
from app.request.trace_context import new_span_id
from app.telemetry.requests import FinishedRequest
from app.telemetry.traces.attributes import RequestAttributes

Attributes = Mapping[str, Any]
_NS_PER_MS = 1e6
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)


class SpanMaker:
    """Makes the spans of requests.

    Args:
        resource: Which process and service they are from.
        join_client_span: Whether the request's span lies below that of the client.
    """

    def __init__(self, resource: Resource, *, join_client_span: bool) -> None:
        self._resource = resource
        self._join_client_span = join_client_span

    def spans(
        self, request: FinishedRequest, attributes: RequestAttributes
    ) -> Sequence[ReadableSpan]:
        """Returns the spans of a request, its own last: whoever has that one has all of them."""
        own = self._context(request, request.trace.span_id)
        parent = request.trace.client_span_id
        inside = request.kind != "request" or self._join_client_span
        end_ns = request.started_ns + _ns(request.total_ms)
        root = self._span(
            attributes.root_name(),
            own,
            self._context(request, parent) if parent and inside else None,
            (request.started_ns, end_ns),
            attributes.root(),
            error=request.notes.error,
            kind=SpanKind.SERVER if request.kind in ("request", "line") else SpanKind.INTERNAL,
            links=self._links(request),
        )
        return [*self._stages(request, attributes, own), root]

    def _stages(
        self, request: FinishedRequest, attributes: RequestAttributes, parent: SpanContext
    ) -> Iterator[ReadableSpan]:
        attempt = request.notes.attempt
        for stage, spent in attempt.times.items() if attempt is not None else ():
            own = self._context(request, new_span_id())
            end_ns = spent.started_ns + _ns(spent.total_ms)
            yield from self._laps(request, attributes, stage, spent, own)
            yield self._span(
                stage,
                own,
                parent,
                (spent.started_ns, end_ns),
                attributes.stage(stage, spent),
                error=spent.error,
                kind=SpanKind.CLIENT,
            )

    def _laps(
        self,
        request: FinishedRequest,
        attributes: RequestAttributes,
        stage: str,
        spent: StageTime,
        parent: SpanContext,
    ) -> Iterator[ReadableSpan]:
        # Clocks of two machines differ, durations do not: the way there is half of what is left.
        way_ms = max(0.0, spent.total_ms - spent.replica_ms) / 2
        for lap in spent.laps:
            start_ns = spent.started_ns + _ns(way_ms + lap.after_ms)
            yield self._span(
                lap.name,
                self._context(request, new_span_id()),
                parent,
                (start_ns, start_ns + _ns(lap.took_ms)),
                attributes.lap(stage, lap),
            )

    def _links(self, request: FinishedRequest) -> Sequence[Link]:
        """Returns where the client says that the request belongs, where it was not believed."""
        if request.trace.linked is None:
            return ()
        trace_id, span_id = request.trace.linked
        return (Link(SpanContext(trace_id, span_id, is_remote=True)),)

    def _context(self, request: FinishedRequest, span_id: int) -> SpanContext:
        return SpanContext(request.trace.trace_id, span_id, is_remote=False, trace_flags=_SAMPLED)

    def _span(
        self,
        name: str,
        context: SpanContext,
        parent: SpanContext | None,
        time_ns: tuple[int, int],
        attributes: Attributes,
        *,
        error: str = "",
        kind: SpanKind = SpanKind.INTERNAL,
        links: Sequence[Link] = (),
    ) -> ReadableSpan:
        status = Status(StatusCode.ERROR, error) if error else Status(StatusCode.OK)
        return ReadableSpan(
            name,
            context,
            parent,
            self._resource,
            attributes,
            links=links,
            kind=kind,
            status=status,
            start_time=time_ns[0],
            end_time=time_ns[1],
        )


def _ns(duration_ms: float) -> int:
    return round(duration_ms * _NS_PER_MS)
