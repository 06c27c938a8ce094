"""The provider of a process: what it records, what it counts, and how it ends."""

import gzip
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

from deployments.tracing import exporter
from deployments.tracing.config import TracingArgs
from deployments.tracing.counters import TraceCounters
from deployments.tracing.provider import SpoolingTracerProvider, make_provider
from tests.unit.deployments.tracing.scripted_server import (
    Received,
    Reply,
    ScriptedServer,
    wait_until,
)

Made = tuple[SpoolingTracerProvider, TraceCounters]
Make = Callable[..., Made]


@pytest.fixture
def make(server: ScriptedServer, tmp_path: Path) -> Iterator[Make]:
    made = []

    def make(**args: object) -> Made:
        given = {"otlp_url": f"{server.url}/v1/traces", "spool_dir": tmp_path} | args
        made.append(
            make_provider(
                TracingArgs.model_validate(given), resource_attributes={"service.name": "tests"}
            )
        )
        return made[-1]

    yield make
    server.ending.set()
    for provider, _ in made:
        provider.shutdown(0.2)


def _end_spans(provider: SpoolingTracerProvider, number: int, name: str = "span") -> None:
    tracer = provider.get_tracer("tests")
    for one in range(number):
        tracer.start_span(f"{name} {one}").end()


def test_spans_arrive_with_the_resource(make: Make, server: ScriptedServer) -> None:
    provider, counters = make()
    _end_spans(provider, 3)
    assert provider.force_flush()
    assert server.taken == ["span 0", "span 1", "span 2"]
    (request,) = server.requests
    sent = ExportTraceServiceRequest.FromString(gzip.decompress(request.body))
    attributes = {
        one.key: one.value.string_value for one in sent.resource_spans[0].resource.attributes
    }
    assert attributes["service.name"] == "tests"
    counts = counters.snapshot()
    assert (counts.ended, counts.exported, counts.waiting) == (3, 3, 0)


def test_spans_go_by_themselves_within_the_interval(make: Make, server: ScriptedServer) -> None:
    provider, _ = make(every_s=0.05)
    _end_spans(provider, 1)
    wait_until(lambda: server.taken == ["span 0"])


def test_the_global_provider_stays_as_it_is(make: Make) -> None:
    before = trace.get_tracer_provider()
    make()
    assert trace.get_tracer_provider() is before


def test_without_a_destination_nothing_is_recorded() -> None:
    provider, counters = make_provider(TracingArgs(), resource_attributes={})
    with provider.get_tracer("tests").start_as_current_span("span") as span:
        assert not span.is_recording()
        assert span.get_span_context().is_valid
    assert provider.force_flush()
    provider.shutdown()
    assert counters.snapshot().ended == 0


@pytest.mark.parametrize("sampled", [True, False])
def test_a_parent_decides(make: Make, server: ScriptedServer, sampled: bool) -> None:
    provider, counters = make()
    parent = SpanContext(1 << 100, 1 << 50, is_remote=True, trace_flags=TraceFlags(int(sampled)))
    context = set_span_in_context(NonRecordingSpan(parent))
    provider.get_tracer("tests").start_span("child", context=context).end()
    assert provider.force_flush()
    assert server.taken == ["child"] * sampled
    assert counters.snapshot().ended == int(sampled)


def test_a_full_queue_turns_new_spans_away_and_counts_each(
    make: Make, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The encoder is held up, as it is where the interpreter has other things to do."""
    go_on = threading.Event()
    begun = threading.Event()

    def held_up(spans: object) -> tuple[bytes, int]:
        begun.set()
        go_on.wait(10)
        return encode(spans)  # type: ignore[arg-type]

    encode = exporter._encode
    monkeypatch.setattr(exporter, "_encode", held_up)
    provider, counters = make(queue_spans=50, batch_spans=10, every_s=30)
    _end_spans(provider, 10, "first")
    assert begun.wait(5)
    threads = [threading.Thread(target=_end_spans, args=(provider, 25)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts = counters.snapshot()
    assert counts.ended == 110
    assert counts.waiting == 50
    assert counts.dropped["queue_full"] == 50
    go_on.set()
    assert provider.force_flush()
    wait_until(lambda: len(server.taken) == 60)
    assert counters.snapshot().waiting == 0


def test_every_span_is_accounted_for(make: Make, server: ScriptedServer) -> None:
    answers = iter([200, 400, 500, 503, 200, 429, 200, 400, 500])
    lock = threading.Lock()

    def any_answer(_: Received) -> Reply:
        with lock:
            return Reply(next(answers, 200))

    server.answer = any_answer
    provider, counters = make(batch_spans=10, every_s=0.02)
    for _ in range(40):
        _end_spans(provider, 5)
        time.sleep(0.01)
    provider.force_flush()

    def settled() -> bool:
        counts = counters.snapshot()
        return counts.exported + sum(counts.dropped.values()) == 200

    wait_until(settled, within_s=15)
    counts = counters.snapshot()
    assert counts.ended == 200
    assert counts.spool_bytes == 0
    assert counts.exported == len(server.taken)
    assert counts.dropped["refused"] > 0
    assert counts.exported > counts.replayed > 0


def test_the_end_sends_everything(make: Make, server: ScriptedServer) -> None:
    provider, counters = make(every_s=30, batch_spans=100)
    _end_spans(provider, 2000)
    provider.shutdown(10)
    assert len(server.taken) == 2000
    _end_spans(provider, 2)
    assert counters.snapshot().dropped["shut_down"] == 2


def test_the_end_keeps_what_a_hanging_server_does_not_take(
    make: Make, server: ScriptedServer
) -> None:
    server.answer = lambda _: Reply(hang_s=20)
    provider, counters = make(every_s=0.02, batch_spans=100)
    _end_spans(provider, 100)
    wait_until(lambda: server.requests)
    _end_spans(provider, 900)
    begun_s = time.monotonic()
    provider.shutdown(1.0)
    assert time.monotonic() - begun_s < 2.0
    assert counters.snapshot().spooled == 1000
    assert sum(counters.snapshot().dropped.values()) == 0

    server.answer = lambda _: Reply()
    _, heir = make()
    wait_until(lambda: len(server.taken) == 1000)
    assert heir.snapshot().adopted == 1000


def test_an_end_without_time_still_comes(make: Make, server: ScriptedServer) -> None:
    provider, counters = make(every_s=30)
    _end_spans(provider, 300)
    provider.shutdown(0.0)
    assert counters.snapshot().dropped["shut_down"] == 300
    assert counters.snapshot().waiting == 0


def test_a_process_that_exits_sends_what_has_ended(server: ScriptedServer, tmp_path: Path) -> None:
    code = """
import sys
from deployments.tracing.config import TracingArgs
from deployments.tracing.provider import make_provider
args = TracingArgs(otlp_url=sys.argv[1], spool_dir=sys.argv[2], every_s=30)
provider, _ = make_provider(args, resource_attributes={})
provider.get_tracer("tests").start_span("last words").end()
"""
    url = f"{server.url}/v1/traces"
    subprocess.run([sys.executable, "-W", "error", "-c", code, url, str(tmp_path)], check=True)
    assert server.taken == ["last words"]
    assert list(tmp_path.rglob("*.batch")) == []
