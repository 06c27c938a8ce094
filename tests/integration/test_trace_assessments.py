"""Assessments on traces, in MLflow's own store: written once, changed, taken off, and waiting for
traces that come later."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from deployments.activity import GivenAnswer
from deployments.assessments.contract import Feedback, KeptAssessment
from deployments.assessments.store import AssessmentStore
from deployments.contracts.errors import Unavailable
from deployments.ledger.store import Ledger
from deployments.tracking.assessments import writer
from deployments.tracking.assessments.recorded import with_texts
from deployments.tracking.assessments.writer import TraceAssessments
from deployments.tracking.mlflow.server import open_client, open_traces
from tests.activity_reports import make_report

AT_S = 1_800_000_000.0


class Clock:
    def __init__(self) -> None:
        self.now_s = AT_S


@pytest.fixture(scope="module")
def tracking_uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'mlflow.db'}"


@pytest.fixture(scope="module")
def client(tracking_uri: str, tmp_path_factory: pytest.TempPathFactory) -> MlflowClient:
    client = open_client(tracking_uri)
    client.create_experiment("ragserve", artifact_location=str(tmp_path_factory.mktemp("files")))
    return client


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


def make_trace(client: MlflowClient, request_id: str = "r1") -> str:
    """Keeps a trace as the gateway's exporter would, and returns its id without the prefix."""
    experiment = client.get_experiment_by_name("ragserve")
    assert experiment is not None
    root = client.start_trace(
        "POST /v1/query",
        inputs={"question": "Full?"},
        attributes={"ragserve.request_id": request_id},
        experiment_id=experiment.experiment_id,
    )
    found = client.start_span("retriever", root.trace_id, root.span_id)
    document = {"page_content": "A text.", "id": "c1", "metadata": {"title": "A"}}
    client.end_span(root.trace_id, found.span_id, outputs=[document])
    client.end_trace(root.trace_id, outputs={"answer": "Yes. [1]"})
    return root.trace_id.removeprefix("tr-")


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
    client: MlflowClient,
    store: AssessmentStore,
    assessments: TraceAssessments,
    tracking_uri: str,
    tmp_path: Path,
) -> None:
    trace_id = make_trace(client)
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
    client: MlflowClient,
    store: AssessmentStore,
    assessments: TraceAssessments,
    tracking_uri: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trace_id = make_trace(client)
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


def test_a_trace_that_comes_later_is_waited_for_less_and_less_often(
    client: MlflowClient,
    store: AssessmentStore,
    assessments: TraceAssessments,
    clock: Clock,
    tracking_uri: str,
    tmp_path: Path,
) -> None:
    trace_id = make_trace(client, "later")
    client.delete_traces(_experiment(client), trace_ids=[f"tr-{trace_id}"])
    answered(store, tmp_path, trace_id)
    store.rate(said(1.0))
    waits = []
    for _ in range(14):
        assert assessments.record_pending() == 1
        assert assessments.record_pending() == 0, "not before its time"
        due = [at for at in range(1, 4000) if store.unrecorded(now_s=clock.now_s + at, limit=1)]
        waits.append(due[0])
        clock.now_s += due[0]
    assert waits[:4] == [2, 4, 8, 16]
    assert waits[-1] == 1800
    clock.now_s = AT_S + 8 * 86_400
    assert assessments.record_pending() == 1
    assert store.unrecorded(now_s=1e12, limit=9) == []


def test_what_is_erased_while_it_is_written_is_taken_off(
    client: MlflowClient,
    store: AssessmentStore,
    assessments: TraceAssessments,
    tracking_uri: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trace_id = make_trace(client)
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
    client: MlflowClient, store: AssessmentStore, tracking_uri: str, tmp_path: Path, clock: Clock
) -> None:
    answered(store, tmp_path, make_trace(client))
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
    client: MlflowClient, store: AssessmentStore, tracking_uri: str, tmp_path: Path
) -> None:
    trace_id = make_trace(client)
    answered(store, tmp_path, trace_id)
    kept = store.rate(said(1.0))
    (told, of_another, without) = with_texts(
        [kept, replace(kept, request_id="r2"), replace(kept, trace_id="0" * 32)], tracking_uri
    )
    assert told.recorded is not None
    assert (told.recorded.question, told.recorded.answer) == ("Full?", "Yes. [1]")
    (passage,) = told.recorded.passages
    assert (passage.id, passage.title, passage.text) == ("c1", "A", "A text.")
    assert of_another.recorded is None
    assert without.recorded is None


def _experiment(client: MlflowClient) -> str:
    found = client.get_experiment_by_name("ragserve")
    assert found is not None
    return str(found.experiment_id)
