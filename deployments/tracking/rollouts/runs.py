"""Every rollout as a run in MLflow, for people to look back on.

The database is the outbox: looks leave it in order, and are marked once MLflow has them. Whatever
is written may be written again, so a kill between any two calls leaves no second run, and no figure
that counts twice.
"""

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Literal

from deployments.control.store import ControlStore
from deployments.rollouts import Look, Rollout
from deployments.tracking.mlflow.limits import METRICS_PER_CALL, PARAMS_PER_CALL, chunks
from deployments.tracking.mlflow.outbox_writer import OutboxWriter
from deployments.tracking.mlflow.server import (
    experiment_id,
    log_bytes,
    may_pass,
)
from deployments.tracking.rollouts.effect_plot import draw_effects
from deployments.tracking.rollouts.figures import decision_to_json, metrics_of, params_of, tags_of
from deployments.tracking.rollouts.note import note_of
from deployments.tracking.rollouts.registry import ReleaseRegistry

if TYPE_CHECKING:
    from mlflow.entities import Run

_log = logging.getLogger("ray.serve")
_ID_TAG = "ragserve.rollout_id"
_LOOKS = 100
_COURSE_POINTS = 300
_NOTE_CHARACTERS = 7500
"""MLflow takes 8,000 characters of a tag."""


class RolloutRuns(OutboxWriter):
    """Writes rollouts to MLflow. Not for two threads at once.

    Args:
        store: Where they come from.
        tracking_uri: Address of the MLflow server.
        experiment: The experiment that has the runs.
        registered_model: The registered model that has a version per release.
    """

    def __init__(
        self,
        store: ControlStore,
        tracking_uri: str,
        experiment: str = "ragserve-rollouts",
        registered_model: str = "ragserve",
    ) -> None:
        super().__init__(tracking_uri, what="rollouts")
        self._store = store
        self._experiment = experiment
        self._registered_model = registered_model
        self._runs: dict[str, str] = {}

    def _record_all(self) -> Iterator[int]:
        looks = self._store.unrecorded(_LOOKS)
        for rollout_id, group in groupby(looks, key=lambda look: look.rollout_id):
            yield self._record(self._store.rollout(rollout_id), list(group))
        active = None if looks else self._store.active()
        if active is not None and active.id not in self._runs:
            self._run_of(active)

    def _record(self, rollout: Rollout, looks: Sequence[Look]) -> int:
        self._try(lambda: self._write(rollout, looks), name=f"looks of {rollout.id}")
        self._store.mark_recorded([look.id for look in looks])
        return len(looks)

    def _write(self, rollout: Rollout, looks: Sequence[Look]) -> None:
        from mlflow.entities import Metric, RunTag

        client, run_id, latest = self._open(), self._run_of(rollout), looks[-1]
        metrics = [
            Metric(name, value, round(look.decision.at_s * 1000), look.id)
            for look in looks
            for name, value in metrics_of(rollout, look).items()
        ]
        for chunk in chunks(metrics, METRICS_PER_CALL):
            client.log_batch(run_id, metrics=chunk)
        changes = self._changes(rollout, latest)
        if any(look.decision.action != "hold" for look in looks):
            self._write_artifacts(rollout, run_id, latest, changes)
        tags = tags_of(rollout, latest, changes[-1] if changes else None)
        tags["mlflow.note.content"] = self._note(rollout, latest, changes)
        client.log_batch(run_id, tags=[RunTag(name, value) for name, value in tags.items()])
        if latest.state.ended:
            self._end(rollout, run_id, latest, changes)

    def _end(self, rollout: Rollout, run_id: str, latest: Look, changes: Sequence[Look]) -> None:
        """Ends the run. In the list of runs a promotion is a green tick, a canary that failed is a
        red cross, and one that a person took back was killed: nothing was found against it."""
        self._register(rollout, lambda registry: registry.end(rollout, latest.state.phase))
        self._runs.pop(rollout.id)
        status: Literal["FINISHED", "FAILED", "KILLED"] = "FINISHED"
        if latest.state.phase == "rolled_back":
            status = "KILLED" if changes and changes[-1].decision.by else "FAILED"
        ended_s = changes[-1].decision.at_s if changes else latest.decision.at_s
        self._open().set_terminated(run_id, status, end_time=round(ended_s * 1000))

    def _write_artifacts(
        self, rollout: Rollout, run_id: str, latest: Look, changes: Sequence[Look]
    ) -> None:
        client = self._open()
        decisions = [decision_to_json(look) for look in changes]
        client.log_text(run_id, json.dumps(decisions, indent=1), "decisions.json")
        course = self._store.course(rollout.id, until=latest.id, points=_COURSE_POINTS)
        try:
            picture = draw_effects(rollout, course)
        except Exception:
            _log.exception("the effects of rollout %s cannot be drawn", rollout.id)
            return
        if picture is not None:
            log_bytes(client, run_id, picture, "effects.png")

    def _note(self, rollout: Rollout, latest: Look, changes: Sequence[Look]) -> str:
        lately = [latest]
        if not latest.decision.verdicts:
            lately = self._store.looks(rollout.id, changes_only=False, limit=50)
        measured = [look for look in lately if look.decision.verdicts and look.id <= latest.id]
        return note_of(
            rollout,
            latest,
            measured[-1] if measured else None,
            changes,
            max_characters=_NOTE_CHARACTERS,
        )

    def _changes(self, rollout: Rollout, latest: Look) -> list[Look]:
        return [look for look in self._store.looks(rollout.id) if look.id <= latest.id]

    def _run_of(self, rollout: Rollout) -> str:
        """Returns the run of a rollout. The first time it is looked for, and completed in case that
        somebody was killed while they began it."""
        if rollout.id not in self._runs:
            run = self._find(rollout.id) or self._create(rollout)
            self._complete(rollout, run)
            self._runs[rollout.id] = run.info.run_id
        return self._runs[rollout.id]

    def _find(self, rollout_id: str) -> "Run | None":
        found = self._open().search_runs(
            [experiment_id(self._open(), self._experiment)],
            f"tags.`{_ID_TAG}` = '{rollout_id}'",
            order_by=["attributes.start_time ASC"],
            max_results=1,
        )
        return found[0] if found else None

    def _create(self, rollout: Rollout) -> "Run":
        return self._open().create_run(
            experiment_id(self._open(), self._experiment),
            start_time=round(rollout.created_s * 1000),
            run_name=f"{rollout.canary} over {rollout.stable}",
            tags={_ID_TAG: rollout.id, "phase": "running", "verdict": "undecided"},
        )

    def _complete(self, rollout: Rollout, run: "Run") -> None:
        from mlflow.entities import Param

        client, run_id = self._open(), run.info.run_id
        params = [Param(name, value) for name, value in params_of(rollout).items()]
        for chunk in chunks(params, PARAMS_PER_CALL):
            client.log_batch(run_id, params=chunk)
        releases = {name: dict(vector) for name, vector in rollout.vectors.items()}
        policy = rollout.policy.model_dump_json(indent=1)
        client.log_text(run_id, json.dumps(releases, indent=1, sort_keys=True), "releases.json")
        client.log_text(run_id, policy, "policy.json")
        source = run.info.artifact_uri
        self._register(rollout, lambda registry: registry.begin(rollout, run_id, source))

    def _register(self, rollout: Rollout, step: Callable[[ReleaseRegistry], None]) -> None:
        """Tells the registry. Where that is refused, the run still gets its figures."""
        try:
            step(ReleaseRegistry(self._open(), self._registered_model))
        except Exception as error:
            if may_pass(error):
                raise
            _log.exception("MLflow's registry refuses the releases of rollout %s", rollout.id)

    def _forget(self) -> None:
        super()._forget()
        self._runs.clear()
