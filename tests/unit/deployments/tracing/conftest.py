"""A scripted server, and spans to send to it."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.unit.deployments.tracing.scripted_server import ScriptedServer
from tests.unit.deployments.tracing.sender_bench import Bench, MakeSpans


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    server = ScriptedServer()
    yield server
    server.stop()


@pytest.fixture
def make_spans() -> Iterator[Callable[..., list[ReadableSpan]]]:
    """Returns a function that makes ended spans with these names."""
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracer = provider.get_tracer("tests")

    def make(*names: str) -> list[ReadableSpan]:
        for name in names:
            tracer.start_span(name, attributes={"text": f"text of {name}"}).end()
        made = list(memory.get_finished_spans())
        memory.clear()
        return made

    yield make
    provider.shutdown()


@pytest.fixture
def bench(server: ScriptedServer, tmp_path: Path, make_spans: MakeSpans) -> Iterator[Bench]:
    bench = Bench(server, tmp_path / "spool", make_spans)
    yield bench
    server.ending.set()
    bench.sender.drain(time.monotonic() + 1.0)
    bench.sender.close()
