"""Figures of releases in a real MLflow server that is killed meanwhile, written by a writer that is
too."""

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from benchmarks.peers.mlflow_server import MlflowServer
from deployments.activity import ReleaseMinute
from deployments.ledger.store import Ledger
from deployments.tracking.mlflow.server import open_client
from deployments.tracking.releases.figures import metrics_of
from deployments.tracking.releases.writer import ReleaseRuns
from tests.activity_reports import make_minute, make_report

FIRST = 30_000_000
MakeRuns = Callable[[str], ReleaseRuns]


class Clock:
    """Stands still between the steps of a test."""

    def __init__(self) -> None:
        self.now_s = FIRST * 60.0

    def pass_minutes(self, minutes: float) -> None:
        self.now_s += minutes * 60


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    server = MlflowServer(tmp_path_factory.mktemp("mlflow"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(f"sqlite:///{tmp_path / 'control.db'}")
    ledger.upgrade()
    yield ledger
    ledger.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_runs(server: MlflowServer, ledger: Ledger, clock: Clock) -> MakeRuns:
    return lambda experiment: ReleaseRuns(ledger, server.url, experiment, now_s=lambda: clock.now_s)


@pytest.fixture
def client(server: MlflowServer) -> Any:
    return open_client(server.url)


def _tell(ledger: Ledger, clock: Clock, *minutes: ReleaseMinute, sequence: int = 0) -> None:
    replica = f"replica-{sequence or time.monotonic_ns()}"
    assert ledger.take(make_report(1, replica, minutes=minutes), now_s=clock.now_s)


def _runs_of(client: Any, experiment: str) -> dict[str, Any]:
    """Returns the runs of an experiment by their names; no two have the same one."""
    found = client.get_experiment_by_name(experiment)
    runs = client.search_runs([found.experiment_id])
    names = {run.info.run_name: run for run in runs}
    assert len(names) == len(runs)
    return names


def _points(client: Any, run: Any, metric: str) -> list[tuple[int, float, int]]:
    history = client.get_metric_history(run.info.run_id, metric)
    return [(one.step, one.value, one.timestamp) for one in history]


def test_two_releases_are_curves_though_the_server_was_down(
    server: MlflowServer,
    client: Any,
    ledger: Ledger,
    clock: Clock,
    make_runs: MakeRuns,
    caplog: pytest.LogCaptureFixture,
) -> None:
    runs = make_runs("curves")
    first = make_minute(FIRST, times_ms=(100.0, 300.0), failed=1)
    _tell(ledger, clock, first)
    assert runs.record_pending() == 0, "the minute is not over"
    clock.pass_minutes(1.2)
    assert runs.record_pending() == 0, "a replica may tell more of it"
    clock.pass_minutes(0.1)
    assert runs.record_pending() == 1
    assert runs.record_pending() == 0
    (run,) = _runs_of(client, "curves").values()
    assert run.info.run_name == "a f1"
    assert run.info.status == "RUNNING"
    assert run.info.start_time == FIRST * 60_000
    assert run.data.params == {"release": "a", "generator": '["g"]', "top_k": "5"}
    assert {name: run.data.metrics[name] for name in metrics_of(first)} == pytest.approx(
        metrics_of(first)
    )

    server.kill()
    told = 4
    for minute in range(FIRST + 1, FIRST + 1 + told):
        _tell(ledger, clock, make_minute(minute), make_minute(minute, "b", "f2"))
    clock.pass_minutes(told + 1)
    begun_s = time.monotonic()
    with caplog.at_level(logging.WARNING, logger="ray.serve"):
        assert [runs.record_pending() for _ in range(3)] == [0, 0, 0]
    assert time.monotonic() - begun_s < 15
    assert len(caplog.records) == 1
    server.start()

    assert runs.record_pending() == 2 * told
    found = _runs_of(client, "curves")
    assert set(found) == {"a f1", "b f2"}
    assert _points(client, found["a f1"], "requests") == [
        (step, 3.0, (FIRST + step) * 60_000) for step in range(told + 1)
    ]
    assert [step for step, _, _ in _points(client, found["b f2"], "total_ms_p95")] == [0, 1, 2, 3]
    assert _points(client, found["b f2"], "requests")[0][2] == (FIRST + 1) * 60_000
    colours = {run.data.tags["mlflow.runColor"] for run in found.values()}
    assert len(colours) == 2, "MLflow draws them by chance where nobody says them"


def test_other_parameters_under_the_same_name_are_another_run(
    client: Any, ledger: Ledger, clock: Clock, make_runs: MakeRuns
) -> None:
    _tell(ledger, clock, make_minute(FIRST), make_minute(FIRST + 1, fingerprint="f2"))
    clock.pass_minutes(3)
    assert make_runs("changed").record_pending() == 2
    found = _runs_of(client, "changed")
    assert {name: run.data.params["top_k"] for name, run in found.items()} == {
        "a f1": "5",
        "a f2": "9",
    }


def test_a_release_that_nobody_asks_has_ended_and_goes_on_later(
    client: Any, ledger: Ledger, clock: Clock, make_runs: MakeRuns
) -> None:
    runs = make_runs("idle")
    _tell(ledger, clock, make_minute(FIRST), make_minute(FIRST + 20, "b", "f2"))
    clock.pass_minutes(22)
    assert runs.record_pending() == 2
    clock.pass_minutes(15)
    assert make_runs("idle").record_pending() == 0, "a writer that has nothing to do looks nowhere"
    assert runs.record_pending() == 0
    found = _runs_of(client, "idle")
    assert {name: run.info.status for name, run in found.items()} == {
        "a f1": "FINISHED",
        "b f2": "RUNNING",
    }
    assert found["a f1"].info.end_time == (FIRST + 1) * 60_000
    _tell(ledger, clock, make_minute(FIRST + 36))
    clock.pass_minutes(2)
    assert make_runs("idle").record_pending() == 1, "another tracker, after a restart"
    run = _runs_of(client, "idle")["a f1"]
    assert run.info.status == "RUNNING"
    assert [step for step, _, _ in _points(client, run, "requests")] == [0, 36]
    clock.pass_minutes(60)
    last = make_runs("idle")
    _tell(ledger, clock, make_minute(FIRST + 90, "c", "f2"))
    clock.pass_minutes(2)
    assert last.record_pending() == 1
    statuses = {name: run.info.status for name, run in _runs_of(client, "idle").items()}
    assert statuses == {"a f1": "FINISHED", "b f2": "FINISHED", "c f2": "RUNNING"}


def test_a_run_of_an_older_version_is_ended_and_not_mixed_with(
    client: Any, ledger: Ledger, clock: Clock, make_runs: MakeRuns
) -> None:
    """Its steps count the minutes since 1970."""
    experiment = client.create_experiment("older")
    tags = {"ragserve.release": "a", "ragserve.fingerprint": "f1"}
    older = client.create_run(experiment, run_name="older", tags=tags)
    _tell(ledger, clock, make_minute(FIRST))
    clock.pass_minutes(2)
    assert make_runs("older").record_pending() == 1
    found = _runs_of(client, "older")
    assert found["older"].info.run_id == older.info.run_id
    assert found["older"].info.status == "FINISHED"
    assert [step for step, _, _ in _points(client, found["a f1"], "requests")] == [0]


def test_a_late_part_has_its_minute_written_again(
    client: Any, ledger: Ledger, clock: Clock, make_runs: MakeRuns
) -> None:
    runs = make_runs("late")
    _tell(ledger, clock, make_minute(FIRST))
    clock.pass_minutes(2)
    assert runs.record_pending() == 1
    _tell(ledger, clock, make_minute(FIRST), make_minute(FIRST - 1))
    assert runs.record_pending() == 0
    clock.pass_minutes(0.3)
    assert runs.record_pending() == 2
    (run,) = _runs_of(client, "late").values()
    points = [(step, value) for step, value, _ in _points(client, run, "requests")]
    assert sorted(points) == [(-1, 3.0), (0, 3.0), (0, 6.0)]


class Dying:
    """The real client, until its process is killed after so many calls."""

    def __init__(self, client: Any, calls: int) -> None:
        self._client = client
        self._left = calls

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._client, name)

        def count_and_call(*args: Any, **kwargs: Any) -> Any:
            if self._left == 0:
                raise KeyboardInterrupt
            self._left -= 1
            return call(*args, **kwargs)

        return count_and_call


def test_a_kill_between_any_two_calls_doubles_nothing(
    client: Any,
    ledger: Ledger,
    clock: Clock,
    make_runs: MakeRuns,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _tell(ledger, clock, *(make_minute(FIRST + number) for number in range(60)))
    _tell(ledger, clock, make_minute(FIRST, "b", "f2"))
    clock.pass_minutes(62)
    for calls in count(0):
        monkeypatch.setattr(
            "deployments.tracking.mlflow.outbox_writer.open_client",
            lambda _, n=calls: Dying(client, n),
        )
        try:
            make_runs("kills").record_pending()
            break
        except KeyboardInterrupt:
            clock.pass_minutes(1.1)  # nobody gave back what was claimed
    assert calls > 5, "what was done stays done"
    assert ledger.unrecorded(before=FIRST + 99, quiet_since_s=1e12, limit=9) == []
    found = _runs_of(client, "kills")
    assert set(found) == {"a f1", "b f2"}
    points = _points(client, found["a f1"], "total_ms_p99")
    assert [step for step, _, _ in points] == list(range(60))
    assert len(_points(client, found["b f2"], "requests")) == 1


def test_two_trackers_keep_one_run(
    client: Any, ledger: Ledger, clock: Clock, make_runs: MakeRuns
) -> None:
    trackers = [make_runs("twins") for _ in range(3)]
    for number in range(5):
        _tell(ledger, clock, make_minute(FIRST, f"r{number}"))
    clock.pass_minutes(2)
    with ThreadPoolExecutor() as threads:
        for _ in range(20):
            list(threads.map(ReleaseRuns.record_pending, trackers))
    assert ledger.unrecorded(before=FIRST + 99, quiet_since_s=1e12, limit=9) == []
    found = _runs_of(client, "twins")
    assert set(found) == {f"r{number} f1" for number in range(5)}
    assert {len(_points(client, run, "requests")) for run in found.values()} == {1}


def test_what_the_server_refuses_does_not_hold_up_the_rest(
    client: Any, ledger: Ledger, clock: Clock, make_runs: MakeRuns, caplog: pytest.LogCaptureFixture
) -> None:
    runs = make_runs("refusals")
    _tell(ledger, clock, make_minute(FIRST))
    clock.pass_minutes(2)
    assert runs.record_pending() == 1
    (run,) = _runs_of(client, "refusals").values()
    client.delete_run(run.info.run_id)
    _tell(ledger, clock, make_minute(FIRST + 1))
    clock.pass_minutes(2)
    assert runs.record_pending() == 1
    (again,) = _runs_of(client, "refusals").values()
    assert again.info.run_id != run.info.run_id
    assert [step for step, _, _ in _points(client, again, "requests")] == [0]

    _tell(ledger, clock, make_minute(FIRST + 3, "it's"), make_minute(FIRST + 3))
    clock.pass_minutes(2)
    assert runs.record_pending() == 2
    assert [step for step, _, _ in _points(client, again, "requests")] == [0, 2]
