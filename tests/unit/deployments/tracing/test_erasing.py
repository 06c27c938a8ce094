"""Spans of a conversation or a user go out of the spool, whole traces at a time, and no others."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider

from deployments.contracts.erasure import CONVERSATION_TAG, USER_TAG, ErasureScope, user_mark
from deployments.tracing.counters import TraceCounters
from deployments.tracing.erasing import SpanEraser
from deployments.tracing.spool import Batch, Spool

_TRACER = TracerProvider().get_tracer("test")
BEGAN_S = 100.0


def trace(name: str, **attributes: str) -> list[ReadableSpan]:
    """Returns a request's span that has the attributes, and one inside it that has not."""
    began_ns = int(BEGAN_S * 1e9)
    with _TRACER.start_as_current_span(name, attributes=attributes, start_time=began_ns) as root:
        inner = _TRACER.start_span(f"{name}-inner")
        inner.end()
    return [root, inner]  # type: ignore[list-item]


def batch(*spans: ReadableSpan) -> Batch:
    return Batch(gzip.compress(encode_spans(spans).SerializeToString()), len(spans))


def names(spool: Spool) -> list[tuple[int, list[str]]]:
    found = []
    while (taken := spool.take()) is not None:
        request = ExportTraceServiceRequest.FromString(gzip.decompress(taken.body))
        here = [
            span.name
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        found.append((taken.spans, here))
        spool.done(taken)
    return found


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    made = Spool(tmp_path / "spool", 10**7, TraceCounters())
    yield made
    made.close()


def erase(spool: Spool, scope: ErasureScope) -> int:
    eraser = SpanEraser(scope)
    for body in spool.bodies():
        eraser.look(body)
    return spool.rewrite(eraser.without)


def test_a_trace_goes_with_all_of_its_spans(spool: Spool) -> None:
    one = trace("one", **{CONVERSATION_TAG: "conv_1"})
    two = trace("two", **{CONVERSATION_TAG: "conv_2"})
    three = trace("three")
    spool.add(batch(one[0], *two))
    spool.add(batch(one[1]))
    spool.add(batch(*three))
    size_bytes = spool.size_bytes
    assert erase(spool, ErasureScope("acme", conversation="conv_1")) == 2
    assert spool.size_bytes < size_bytes
    assert names(spool) == [(2, ["two", "two-inner"]), (2, ["three", "three-inner"])]
    assert spool.size_bytes == 0


@pytest.mark.parametrize(("before_s", "removed"), [(BEGAN_S, 2), (BEGAN_S - 1, 0)])
def test_of_a_user_goes_what_had_begun(spool: Spool, before_s: float, removed: int) -> None:
    for tenant in ("acme", "beta"):
        spool.add(batch(*trace(tenant, **{USER_TAG: user_mark(tenant, "zoe")})))
    scope = ErasureScope("acme", user="zoe", before_s=before_s)
    assert erase(spool, scope) == removed
    assert erase(spool, scope) == 0
    assert len(names(spool)) == 2 - removed // 2


def test_what_is_under_way_stays(spool: Spool) -> None:
    spool.add(batch(*trace("one", **{CONVERSATION_TAG: "conv_1"})))
    taken = spool.take()
    assert taken is not None
    scope = ErasureScope("acme", conversation="conv_1")
    assert erase(spool, scope) == 0
    spool.put_back(taken)
    assert erase(spool, scope) == 2
    assert names(spool) == []


def test_the_dead_leave_nothing_behind(tmp_path: Path) -> None:
    """What was written again is adopted like any other batch."""
    first = Spool(tmp_path / "spool", 10**7, TraceCounters())
    first.add(batch(*trace("one", **{CONVERSATION_TAG: "conv_1"}), *trace("two")))
    assert erase(first, ErasureScope("acme", conversation="conv_1")) == 2
    first.close()
    second = Spool(tmp_path / "spool", 10**7, TraceCounters())
    assert second.adopt() == 2
    assert names(second) == [(2, ["two", "two-inner"])]
    second.close()
