"""Traces on their way into a real MLflow server that is killed meanwhile, from processes that are,
too."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.peers.mlflow_server import MlflowServer
from deployments.contracts.errors import Unavailable
from deployments.tracing.config import TracingArgs
from deployments.tracing.provider import SpoolingTracerProvider, make_provider
from deployments.tracking.mlflow.server import open_client
from deployments.tracking.mlflow.trace_retention import TraceRetention
from tests.integration.cluster import REPOSITORY, until

TRACES, SPANS = 300, 5
TEXT = "What a passage of two hundred characters looks like, of which there are ten in a span. " * 2


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    server = MlflowServer(tmp_path_factory.mktemp("mlflow"))
    server.start()
    yield server
    server.kill()


def _args(server: MlflowServer, experiment: str, folder: Path) -> TracingArgs:
    return TracingArgs(
        otlp_url=f"{server.url}/v1/traces",
        experiment=experiment,
        spool_dir=folder / "spool",
        batch_spans=64,
        every_s=0.2,
    )


def _end_trace(provider: SpoolingTracerProvider, number: int) -> None:
    tracer = provider.get_tracer("tests")
    with tracer.start_as_current_span(f"trace {number}"):
        for stage in range(1, SPANS):
            with tracer.start_as_current_span(f"stage {stage}") as span:
                span.set_attributes({f"attribute {n}": TEXT for n in range(10)})


def _stored(client: Any, experiment: str) -> dict[str, Counter[str]]:
    """Returns the names of the spans of every trace, by the name of its root; two traces with one
    root fail."""
    found = client.get_experiment_by_name(experiment)
    stored: dict[str, Counter[str]] = {}
    token = None
    while found is not None:
        page = client.search_traces(
            locations=[found.experiment_id], max_results=100, page_token=token
        )
        for trace in page:
            (root,) = (span.name for span in trace.data.spans if span.parent_id is None)
            assert root not in stored
            stored[root] = Counter(span.name for span in trace.data.spans)
        token = page.token
        if not token:
            break
    return stored


def _whole(*numbers: int) -> dict[str, Counter[str]]:
    stages = [f"stage {stage}" for stage in range(1, SPANS)]
    return {f"trace {number}": Counter([f"trace {number}", *stages]) for number in numbers}


def test_every_trace_arrives_once_though_the_server_was_killed(
    server: MlflowServer, tmp_path: Path
) -> None:
    provider, counters = make_provider(
        _args(server, "outage", tmp_path), resource_attributes={"service.name": "tests"}
    )
    for number in range(TRACES):
        if number == 100:
            until(lambda: counters.snapshot().exported, within_s=10, what="the first spans")
            server.kill()
        if number == 200:
            until(lambda: counters.snapshot().spooled, within_s=10, what="spans in the spool")
            server.start(wait=False)
        _end_trace(provider, number)
        time.sleep(0.005)
    until(
        lambda: counters.snapshot().exported == TRACES * SPANS,
        within_s=60,
        what="an empty spool",
    )
    provider.shutdown()
    counts = counters.snapshot()
    assert sum(counts.dropped.values()) == 0
    assert counts.replayed == counts.spooled > 0
    assert counts.spool_bytes == 0
    assert _stored(open_client(server.url), "outage") == _whole(*range(TRACES))


CHILD = """
import sys, time
from pathlib import Path
from deployments.tracing.config import TracingArgs
from deployments.tracing.provider import make_provider
from tests.integration.test_trace_export import _end_trace
provider, counters = make_provider(
    TracingArgs.model_validate_json(sys.argv[1]), resource_attributes={}
)
for number in range(40):
    _end_trace(provider, number)
    time.sleep(0.005)
while counters.snapshot().spooled < 40 * 5:
    time.sleep(0.01)
for number in range(40, 43):
    _end_trace(provider, number)
print("killable", flush=True)
time.sleep(60)
"""


def test_the_next_process_sends_what_a_killed_one_had_kept(
    server: MlflowServer, tmp_path: Path
) -> None:
    args = _args(server, "kill", tmp_path)
    server.kill()
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, args.model_dump_json()],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"killable\n"
        process.kill()
    server.start()
    provider, counters = make_provider(args, resource_attributes={})
    until(
        lambda: counters.snapshot().replayed == counters.snapshot().adopted >= 200,
        within_s=30,
        what="what the killed process had kept",
    )
    provider.shutdown()
    stored = _stored(open_client(server.url), "kill")
    # The last three ended within one interval before the kill: they may be lost, the others not.
    kept = _whole(*range(40))
    assert {root: stored.get(root) for root in kept} == kept
    assert len(stored) <= 43


def test_old_traces_are_deleted_and_the_others_stay(
    server: MlflowServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, day_s = open_client(server.url), 86_400.0
    provider, _ = make_provider(
        _args(server, "kept", tmp_path), resource_attributes={"service.name": "tests"}
    )
    for number in range(7):
        _end_trace(provider, number)
    time.sleep(0.05)
    between_s = time.time()
    time.sleep(0.05)
    for number in range(7, 10):
        _end_trace(provider, number)
    provider.shutdown()
    until(lambda: len(_stored(client, "kept")) == 10, within_s=30, what="all traces")

    monkeypatch.setattr("deployments.tracking.mlflow.trace_retention._TRACES_PER_CALL", 3)
    pauses: list[float] = []
    retention = TraceRetention(server.url, "kept", days=30, pause=pauses.append)
    assert retention.forget_old(now_s=between_s) == 0
    assert retention.forget_old(now_s=between_s + 30 * day_s) == 7
    assert len(pauses) == 2, "the server has time for others"
    assert _stored(client, "kept") == _whole(7, 8, 9)
    assert TraceRetention(server.url, "nowhere", days=1).forget_old(now_s=time.time()) == 0
    assert client.get_experiment_by_name("nowhere") is None


def test_retention_waits_for_a_server_that_is_away() -> None:
    """The message is for a log: no user and no password of the address is in it."""
    retention = TraceRetention("http://me:secret@127.0.0.1:1", "any", days=1)
    with pytest.raises(Unavailable, match="stay in MLflow for now") as caught:
        retention.forget_old(now_s=time.time())
    assert "secret" not in str(caught.value)
