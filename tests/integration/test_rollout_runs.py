"""Rollouts in a real MLflow server that is killed meanwhile, written by a writer that is, too."""

import json
import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from benchmarks.peers.mlflow_server import MlflowServer
from deployments.canary.commands import command
from deployments.control.store import ControlStore
from deployments.rollouts import Rollout
from deployments.tracking.mlflow.server import open_client
from deployments.tracking.rollouts.runs import RolloutRuns
from tests.rollout_course import course, make_rollout

MODEL = "ragserve"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    server = MlflowServer(tmp_path_factory.mktemp("mlflow"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ControlStore]:
    store = ControlStore(f"sqlite:///{tmp_path / 'control.db'}")
    store.upgrade()
    yield store
    store.close()


@pytest.fixture
def client(server: MlflowServer) -> Any:
    return open_client(server.url)


def _play(store: ControlStore, rollout: Rollout, *, looks: int = 400, **how: float) -> int:
    """Keeps the looks of a rollout as the controller does, and returns their number."""
    before = rollout.state
    kept = 0
    for decision, state in course(rollout, looks=looks, **how):  # type: ignore[arg-type]
        kept += 1
        if decision.action == "hold":
            store.note(rollout.id, decision, state)
        else:
            assert store.change(rollout.id, decision, state, after=before.sequence)
        before = state
    return kept


def _runs_of(client: Any, experiment: str, rollout: Rollout) -> list[Any]:
    found = client.get_experiment_by_name(experiment)
    runs = client.search_runs([found.experiment_id])
    return [run for run in runs if run.data.tags.get("ragserve.rollout_id") == rollout.id]


def _artifact(client: Any, run_id: str, name: str, folder: Path) -> bytes:
    return Path(client.download_artifacts(run_id, name, str(folder))).read_bytes()


def _points(client: Any, run_id: str, metric: str) -> list[tuple[int, float]]:
    return [(one.step, one.value) for one in client.get_metric_history(run_id, metric)]


def _forget_what_is_recorded(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'control.db'}")
    with engine.connect() as connection, connection.begin():
        connection.execute(text("UPDATE looks SET recorded = false"))
    engine.dispose()


def test_a_promotion_is_written_whole_though_the_server_was_down(
    server: MlflowServer,
    client: Any,
    store: ControlStore,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    rollout = make_rollout()
    runs = RolloutRuns(store, server.url, "promotions", "promoted")
    assert runs.record_pending() == 0  # nothing to do

    store.create(rollout)
    assert runs.record_pending() == 0
    (run,) = _runs_of(client, "promotions", rollout)
    assert run.info.status == "RUNNING"
    assert run.info.run_name == "b over a"
    assert run.data.params["guardrail.total_ms"].startswith("margin 0.1")
    assert run.data.params["differs.generator"] == '["llm-7b"] -> ["llm-8b"]'
    assert json.loads(_artifact(client, run.info.run_id, "releases.json", tmp_path)) == {
        name: dict(vector) for name, vector in rollout.vectors.items()
    }
    model = client.get_registered_model("promoted")
    assert model.aliases == {"champion": "1", "challenger": "2"}
    versions = {
        alias: client.get_model_version_by_alias("promoted", alias) for alias in model.aliases
    }
    assert versions["champion"].tags["ragserve.release"] == "a"
    assert versions["challenger"].tags["ragserve.release"] == "b"
    assert versions["challenger"].run_id == run.info.run_id

    server.kill()
    looks = _play(store, rollout)
    begun_s = time.monotonic()
    with caplog.at_level(logging.WARNING, logger="ray.serve"):
        assert [runs.record_pending() for _ in range(3)] == [0, 0, 0]
    assert time.monotonic() - begun_s < 15
    assert len(caplog.records) == 1
    assert len(store.unrecorded(1000)) == looks
    server.start()

    assert runs.record_pending() == looks
    assert runs.record_pending() == 0
    (run,) = _runs_of(client, "promotions", rollout)
    run_id = run.info.run_id
    assert run.info.status == "FINISHED"
    assert run.info.end_time == round(store.looks(rollout.id)[-1].decision.at_s * 1000)
    assert run.data.metrics["canary_weight"] == 1.0
    tags = run.data.tags
    assert (tags["phase"], tags["verdict"], tags["decided_by"]) == (
        "promoted",
        "promoted",
        "policy",
    )
    assert tags["stage"] == "3 of 3 (50 %)"
    assert "**b over a: promoted**" in tags["mlflow.note.content"]
    kept = store.looks(rollout.id, changes_only=False, limit=1000)
    changes = [
        (look.id, one.change)
        for look in kept
        for one in look.decision.verdicts
        if one.metric == "total_ms" and one.change is not None
    ]
    assert _points(client, run_id, "total_ms.change") == changes
    assert len(_points(client, run_id, "stage")) == looks
    assert _artifact(client, run_id, "effects.png", tmp_path).startswith(b"\x89PNG")
    decisions = json.loads(_artifact(client, run_id, "decisions.json", tmp_path))
    assert [one["action"] for one in decisions] == ["advance", "advance", "promote"]
    model = client.get_registered_model("promoted")
    assert model.aliases == {"champion": versions["challenger"].version}


def test_a_canary_that_fails_leaves_the_champion_and_reuses_versions(
    server: MlflowServer, client: Any, store: ControlStore
) -> None:
    runs = RolloutRuns(store, server.url, "failures", "failed")
    first, second = make_rollout(), make_rollout(id="second")
    store.create(first)
    _play(store, first, slower=1.3)
    store.create(second)
    decision, state = command(
        second.policy, second.state, "roll_back", now_s=second.created_s + 60, by="zoë", why="no"
    )
    assert store.change(second.id, decision, state, after=0)
    while runs.record_pending():
        pass
    (run,) = _runs_of(client, "failures", first)
    assert run.info.status == "FAILED"
    assert run.data.tags["verdict"] == "rolled_back"
    assert "time of the whole answer" in run.data.tags["reason"]
    (run,) = _runs_of(client, "failures", second)
    assert run.info.status == "KILLED"
    assert run.data.tags["decided_by"] == "zoë"
    assert client.get_registered_model("failed").aliases == {"champion": "1"}
    assert len(client.search_model_versions("name = 'failed'")) == 2


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
    server: MlflowServer,
    client: Any,
    store: ControlStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rollout = make_rollout()
    store.create(rollout)
    looks = _play(store, rollout, slower=1.5)
    for calls in count(0):
        monkeypatch.setattr(
            "deployments.tracking.mlflow.outbox_writer.open_client",
            lambda _, n=calls: Dying(client, n),
        )
        try:
            assert RolloutRuns(store, server.url, "kills", "killed").record_pending() == looks
            break
        except KeyboardInterrupt:
            assert len(store.unrecorded(1000)) == looks
    assert calls > 15
    _forget_what_is_recorded(tmp_path)
    assert RolloutRuns(store, server.url, "kills", "killed").record_pending() == looks
    (run,) = _runs_of(client, "kills", rollout)
    assert len(_points(client, run.info.run_id, "stage")) == looks
    assert len(client.search_model_versions("name = 'killed'")) == 2
    assert client.get_registered_model("killed").aliases == {"champion": "1"}


def test_what_the_server_refuses_does_not_hold_up_the_rest(
    server: MlflowServer, client: Any, store: ControlStore, caplog: pytest.LogCaptureFixture
) -> None:
    rollout = make_rollout()
    store.create(rollout)
    looks = _play(store, rollout, looks=5)
    runs = RolloutRuns(store, server.url, "refusals", "no/such:model")
    assert runs.record_pending() == looks
    assert "refuses the releases" in caplog.text
    (run,) = _runs_of(client, "refusals", rollout)
    assert len(_points(client, run.info.run_id, "stage")) == looks

    client.delete_run(run.info.run_id)
    state = replace(rollout.state, phase="paused", sequence=1)
    decision = replace(store.looks(rollout.id, changes_only=False)[-1].decision, action="pause")
    assert store.change(rollout.id, decision, state, after=0)
    assert runs.record_pending() == 1
    (again,) = _runs_of(client, "refusals", rollout)
    assert again.info.run_id != run.info.run_id
    assert again.data.tags["phase"] == "paused"
