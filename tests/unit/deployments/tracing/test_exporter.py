"""What an exporter makes of spans, before any of them is on its way."""

import gzip
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from deployments.contracts.errors import ConfigError
from deployments.tracing.config import Destination, TracingArgs
from deployments.tracing.counters import TraceCounters
from deployments.tracing.exporter import SpoolingExporter
from tests.unit.deployments.tracing.scripted_server import Reply, ScriptedServer, wait_until

MakeSpans = Callable[..., list[ReadableSpan]]
MakeExporter = Callable[..., SpoolingExporter]


@pytest.fixture
def counters() -> TraceCounters:
    return TraceCounters()


@pytest.fixture
def make_exporter(
    server: ScriptedServer, tmp_path: Path, counters: TraceCounters
) -> Iterator[MakeExporter]:
    made = []

    def make(**args: object) -> SpoolingExporter:
        given = {"otlp_url": f"{server.url}/v1/traces", "spool_dir": tmp_path} | args
        made.append(SpoolingExporter(TracingArgs.model_validate(given), counters))
        return made[-1]

    yield make
    for exporter in made:
        exporter.shutdown()


def test_spans_arrive(
    make_exporter: MakeExporter, make_spans: MakeSpans, server: ScriptedServer
) -> None:
    exporter = make_exporter()
    assert exporter.export(make_spans("a", "b")) is SpanExportResult.SUCCESS
    assert exporter.force_flush()
    assert server.taken == ["a", "b"]


def test_a_span_that_cannot_be_encoded_does_not_take_the_others_with_it(
    make_exporter: MakeExporter,
    make_spans: MakeSpans,
    server: ScriptedServer,
    counters: TraceCounters,
) -> None:
    exporter = make_exporter()
    exporter.export(make_spans("good", "half of a pair: \ud83d", "too"))
    exporter.export(make_spans("\ud83d"))
    assert exporter.force_flush()
    assert server.taken == ["good", "too"]
    assert counters.snapshot().dropped["unencodable"] == 2


def test_a_large_batch_goes_in_parts(
    make_exporter: MakeExporter, make_spans: MakeSpans, server: ScriptedServer
) -> None:
    exporter = make_exporter()
    names = [f"{number}".ljust(2**20) for number in range(5)]  # 2 MB each, with the attribute
    exporter.export(make_spans(*names))
    wait_until(lambda: len(server.taken) == 5)
    assert sorted(server.taken) == names
    assert max(len(gzip.decompress(one.body)) for one in server.requests) <= 4 * 2**20 + 2**18
    assert 3 <= len(server.requests) <= 5


def test_a_destination_that_is_away_holds_up_no_other(
    make_exporter: MakeExporter,
    make_spans: MakeSpans,
    server: ScriptedServer,
    counters: TraceCounters,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTHER_TOKEN", "a secret")
    other = Destination(otlp_url=f"{server.url}/other", headers_env={"x-token": "OTHER_TOKEN"})
    server.answer = lambda request: Reply(hang_s=5.0 if request.path == "/other" else 0.0)
    exporter = make_exporter(also_to=[other])
    for name in "abcde":
        exporter.export(make_spans(name))
        wait_until(lambda n=name: n in server.taken)  # type: ignore[misc]
    assert server.taken == list("abcde")
    wait_until(lambda: any(request.path == "/other" for request in server.requests))
    (hung,) = (request for request in server.requests if request.path == "/other")
    assert hung.headers["x-token"] == "a secret"
    wait_until(lambda: counters.snapshot().exported == 5)
    server.ending.set()
    wait_until(lambda: counters.snapshot().spooled == 5)
    assert counters.snapshot().spool_bytes == 5 * 4096


def test_a_secret_that_is_not_set_is_said_at_the_start(make_exporter: MakeExporter) -> None:
    with pytest.raises(ConfigError, match="NO_SUCH_VARIABLE"):
        make_exporter(headers_env={"authorization": "NO_SUCH_VARIABLE"})


def test_export_does_not_wait_for_a_server(
    make_exporter: MakeExporter, make_spans: MakeSpans, server: ScriptedServer
) -> None:
    server.answer = lambda _: Reply(hang_s=5.0)
    exporter = make_exporter()
    begun_s = time.monotonic()
    for name in "abcde":
        exporter.export(make_spans(name))
    assert time.monotonic() - begun_s < 1.0
    server.ending.set()


def test_spans_after_the_end_are_counted(
    make_exporter: MakeExporter, make_spans: MakeSpans, counters: TraceCounters
) -> None:
    exporter = make_exporter()
    exporter.shutdown()
    assert exporter.export(make_spans("a", "b")) is SpanExportResult.SUCCESS
    assert counters.snapshot().dropped["shut_down"] == 2
