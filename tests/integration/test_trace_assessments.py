"""Assessments on traces in a real MLflow server: written once, changed, taken off, and waiting for
traces that come later."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mlflow.exceptions import MlflowException

from app.request.trace_context import TraceContext
from app.settings.live.gateway import GatewayLive
from app.settings.live.release import Release
from app.telemetry.traces.recorder import TraceRecorder
from benchmarks.peers.mlflow_server import MlflowServer
from deployments.activity import GivenAnswer
from deployments.assessments.contract import Feedback, KeptAssessment
from deployments.assessments.store import AssessmentStore
from deployments.contracts.errors import Unavailable
from deployments.ledger.store import Ledger
from deployments.tracing.config import TracingArgs
from deployments.tracing.provider import make_provider
from deployments.tracking.assessments import writer
from deployments.tracking.assessments.recorded import with_texts
from deployments.tracking.assessments.writer import TraceAssessments
from deployments.tracking.mlflow.server import open_client, open_traces
from tests.activity_reports import make_report
from tests.integration.cluster import until
from tests.unit.app.telemetry.requests import finished

AT_S = 1_800_000_000.0
LIVE = GatewayLive(releases={"one": Release(retrieval="r", generator=("g",))}, traffic={"one": 1.0})
MakeTrace = Callable[..., str]


class Clock:
    def __init__(self) -> None:
        self.now_s = AT_S


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    with MlflowServer(tmp_path_factory.mktemp("mlflow")) as server:
        yield server


@pytest.fixture(scope="module")
def tracking_uri(server: MlflowServer) -> str:
    return server.url


@pytest.fixture(scope="module")
def make_trace(
    server: MlflowServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MakeTrace]:
    """Sends traces as the gateway does, and returns their ids when they are there."""
    args = TracingArgs(
        otlp_url=f"{server.url}/v1/traces",
        experiment="ragserve",
        spool_dir=tmp_path_factory.mktemp("spool"),
        every_s=0.1,
    )
    provider, counters = make_provider(args, resource_attributes={"service.name": "tests"})
    recorder = TraceRecorder(provider, counters, salt=b"", join_client_span=False)
    recorder.use(LIVE)

    def make(request_id: str = "r1") -> str:
        trace = TraceContext(secrets.randbits(128), secrets.randbits(64))
        recorder.take(finished(request_id=request_id, trace=trace))
        until(
            lambda: _is_there(server.url, trace.trace_hex), within_s=30, what="the trace is there"
        )
        return trace.trace_hex

    yield make
    recorder.close(5)


def _is_there(tracking_uri: str, trace_id: str) -> bool:
    try:
        return bool(open_client(tracking_uri).get_trace(f"tr-{trace_id}").data.spans)
    except MlflowException:
        return False


@pytest.fixture
def store(tmp_path: Path) -> Iterator[AssessmentStore]:
    store = AssessmentStore(f"sqlite:///{tmp_path / 'control.db'}")
    store.upgrade()
    yield store
    store.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def assessments(store: AssessmentStore, tracking_uri: str, clock: Clock) -> TraceAssessments:
    return TraceAssessments(store, tracking_uri, now_s=lambda: clock.now_s)


def answered(store: AssessmentStore, tmp_path: Path, trace_id: str, request_id: str = "r1") -> None:
    ledger = Ledger(f"sqlite:///{tmp_path / 'control.db'}")
    report = make_report(1, replica=request_id)
    answer = GivenAnswer("acme", request_id, AT_S, "a", "f1", trace_id=trace_id)
    ledger.take(replace(report, answers=(answer,)), now_s=AT_S)
    ledger.close()


def said(score: float, request_id: str = "r1", **fields: Any) -> Feedback:
    return replace(Feedback("acme", request_id, score, user="zoe", at_s=AT_S), **fields)


def on_trace(tracking_uri: str, trace_id: str) -> dict[str, Any]:
    found = open_traces(tracking_uri).get_trace_info(f"tr-{trace_id}").assessments
    assert len({one.name for one in found}) == len(found)
    return {one.name: one for one in found}


def test_a_rating_is_written_changed_and_taken_off(
    make_trace: MakeTrace,
    store: AssessmentStore,
    assessments: TraceAssessments,
    tracking_uri: str,
    tmp_path: Path,
) -> None:
    trace_id = make_trace()
    answered(store, tmp_path, trace_id)
    kept = store.rate(said(0.0, thumb="down", comment="No.", correction="So."))
    assert assessments.record_pending() == 1
    assert assessments.record_pending() == 0
    found = on_trace(tracking_uri, trace_id)
    assert set(found) == {"feedback", "expected_response"}
    assert (found["feedback"].value, found["feedback"].rationale) == (False, "No.")
    assert found["feedback"].source.source_type == "HUMAN"
    assert found["feedback"].source.source_id == "zoe"
    assert found["feedback"].metadata[writer.ID_TAG] == kept.id
    assert found["expected_response"].value == "So."
    store.rate(said(0.5, user="", comment=""))
    assert assessments.record_pending() == 1
    changed = on_trace(tracking_uri, trace_id)
    assert set(changed) == {"feedback"}
    assert (changed["feedback"].value, changed["feedback"].source.source_id) == (0.5, "anonymous")
    assessments.erase([kept])
    assert on_trace(tracking_uri, trace_id) == {}
    assessments.erase([kept, replace(kept, trace_id="0" * 32), replace(kept, trace_id="")])


def test_what_a_kill_left_half_done_stands_there_once(
    make_trace: MakeTrace,
    store: AssessmentStore,
    assessments: TraceAssessments,
    tracking_uri: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trace_id = make_trace()
    answered(store, tmp_path, trace_id)
    store.rate(said(1.0, thumb="up", correction="So."))

    def killed(_: KeptAssessment) -> bool:
        raise Unavailable("killed", "tracker")

    with monkeypatch.context() as patched:
        patched.setattr(store, "mark_recorded", killed)
        assert assessments.record_pending() == 0
    assert set(on_trace(tracking_uri, trace_id)) == {"feedback", "expected_response"}
    assert assessments.record_pending() == 1
    assert set(on_trace(tracking_uri, trace_id)) == {"feedback", "expected_response"}


def test_a_trace_that_does_not_come_is_waited_for_less_and_less_often(
    store: AssessmentStore, assessments: TraceAssessments, clock: Clock, tmp_path: Path
) -> None:
    answered(store, tmp_path, secrets.token_hex(16))
    store.rate(said(1.0))
    for wait_s in (*(2.0**doubled for doubled in range(1, 11)), 1800.0, 1800.0):
        assert assessments.record_pending() == 1
        clock.now_s += wait_s - 0.5
        assert assessments.record_pending() == 0, "not before its time"
        clock.now_s += 0.5
    clock.now_s = AT_S + 8 * 86_400
    assert assessments.record_pending() == 1
    assert store.unrecorded(now_s=1e12, limit=9) == []


def test_what_is_erased_while_it_is_written_is_taken_off(
    make_trace: MakeTrace,
    store: AssessmentStore,
    assessments: TraceAssessments,
    tracking_uri: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trace_id = make_trace()
    answered(store, tmp_path, trace_id)
    kept = store.rate(said(1.0))
    mark = store.mark_recorded

    def erased(one: KeptAssessment) -> bool:
        store.remove([kept])
        return mark(one)

    monkeypatch.setattr(store, "mark_recorded", erased)
    assert assessments.record_pending() == 1
    assert on_trace(tracking_uri, trace_id) == {}


def test_one_process_writes_at_a_time(
    make_trace: MakeTrace, store: AssessmentStore, tracking_uri: str, tmp_path: Path, clock: Clock
) -> None:
    answered(store, tmp_path, make_trace())
    store.rate(said(1.0))
    asked: list[float] = []

    def refused(for_s: float) -> bool:
        asked.append(for_s)
        return False

    other = TraceAssessments(store, tracking_uri, claims=refused, now_s=lambda: clock.now_s)
    assert other.record_pending() == 0
    assert len(asked) == 1
    assert len(store.unrecorded(now_s=AT_S, limit=9)) == 1


def test_texts_are_read_from_the_trace_of_the_answer(
    make_trace: MakeTrace, store: AssessmentStore, tracking_uri: str, tmp_path: Path
) -> None:
    trace_id = make_trace()
    answered(store, tmp_path, trace_id)
    kept = store.rate(said(1.0))
    (told, of_another, without) = with_texts(
        [kept, replace(kept, request_id="r2"), replace(kept, trace_id="0" * 32)], tracking_uri
    )
    assert told.recorded is not None
    recorded = told.recorded
    assert recorded.question == "What happens when a queue is full?"
    assert recorded.answer == "It is refused. [1]"
    assert [(one.id, one.title, one.text) for one in recorded.passages] == [
        ("a", "A", "text of a"),
        ("b", "A", "text of b"),
    ]
    assert of_another.recorded is None
    assert without.recorded is None
