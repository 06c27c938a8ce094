"""Takes the spans of a conversation or a user out of encoded batches that wait on disk."""

import gzip
from collections.abc import Iterator

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from deployments.contracts.erasure import CONVERSATION_TAG, USER_TAG, ErasureScope

_GZIP_LEVEL = 1
_NS_PER_S = 1e9


class SpanEraser:
    """Knows the traces that are to go once `look` has seen all batches.

    Args:
        scope: Whose spans go.
    """

    def __init__(self, scope: ErasureScope) -> None:
        self._name = CONVERSATION_TAG if scope.conversation else USER_TAG
        self._value = scope.conversation or scope.user_mark
        self._needle = self._value.encode()
        self._before_ns = scope.before_s * _NS_PER_S
        self._traces: set[bytes] = set()

    def look(self, body: bytes) -> None:
        """Notes the traces of a batch that have a span which says whose it is."""
        raw = gzip.decompress(body)
        if self._needle in raw:
            found = ExportTraceServiceRequest.FromString(raw)
            self._traces |= {span.trace_id for span in _spans(found) if self._is_named(span)}

    def without(self, body: bytes) -> tuple[bytes, int]:
        """Returns a batch without the spans of those traces, and how many were removed."""
        raw = gzip.decompress(body)
        if not any(trace in raw for trace in self._traces):
            return body, 0
        found, removed = ExportTraceServiceRequest.FromString(raw), 0
        for resource in found.resource_spans:
            for scope in resource.scope_spans:
                kept = [span for span in scope.spans if span.trace_id not in self._traces]
                removed += len(scope.spans) - len(kept)
                del scope.spans[:]
                scope.spans.extend(kept)
        return gzip.compress(found.SerializeToString(), _GZIP_LEVEL, mtime=0), removed

    def _is_named(self, span: Span) -> bool:
        return span.start_time_unix_nano <= self._before_ns and any(
            attribute.key == self._name and attribute.value.string_value == self._value
            for attribute in span.attributes
        )


def _spans(request: ExportTraceServiceRequest) -> Iterator[Span]:
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            yield from scope.spans
