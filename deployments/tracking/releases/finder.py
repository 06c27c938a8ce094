"""The run of a release in MLflow: one for each name and parameters, found again by its tags."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deployments.tracking.mlflow.limits import PARAMS_PER_CALL, chunks
from deployments.tracking.mlflow.server import experiment_id
from deployments.tracking.releases.colours import COLOURS, next_colour
from deployments.tracking.releases.figures import params_of

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

Version = tuple[str, str]
"""A release's name, and the fingerprint of its parameters."""
_RELEASE_TAG = "ragserve.release"
_FINGERPRINT_TAG = "ragserve.fingerprint"
_LAST_TAG = "ragserve.last_minute"
_STEPS_TAG, _STEPS = "ragserve.steps", "minutes since the start"
"""Runs without it are of an older version, which counted minutes from 1970 on: both on one axis
could not be read."""
_COLOUR_TAG = "mlflow.runColor"
_MINUTE_MS = 60_000
_IDLE_MINUTES = 30
_MAX_RUNS = 1000


@dataclass(slots=True)
class ReleaseRun:
    """A run; `first_minute` is the one in which it begins, and `last_minute` the last one that it
    has figures of, since the epoch."""

    run_id: str
    first_minute: int
    last_minute: int
    running: bool


class ReleaseRunFinder:
    """Finds runs, or begins them. A release that nobody has asked for a while has ended its run; it
    goes on when somebody does.

    Args:
        client: Of the MLflow server.
        experiment: The experiment that has the runs.
        vector_of: Returns the parameters of a release by their fingerprint.
        alone: Keeps other trackers from beginning runs, as long as the block lasts; raises
            Unavailable where another one is at it.
    """

    def __init__(
        self,
        client: "MlflowClient",
        experiment: str,
        vector_of: Callable[[str], Mapping[str, Any]],
        alone: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._client = client
        self._alone = alone
        self._vector_of = vector_of
        self._experiment_id = experiment_id(client, experiment)
        running = client.search_runs(
            [self._experiment_id], "attributes.status = 'RUNNING'", max_results=_MAX_RUNS
        )
        mine = [run for run in running if _RELEASE_TAG in run.data.tags]
        self._runs = {_version_of(run): _known(run) for run in mine if _STEPS_TAG in run.data.tags}
        for run in mine:
            if _STEPS_TAG not in run.data.tags:
                client.set_terminated(run.info.run_id, "FINISHED")
        self._completed: set[str] = set()

    def run_of(self, version: Version, *, first_minute: int) -> ReleaseRun:
        """Returns the run of a release, which is begun where there is none. The first time it is
        completed in case that somebody was killed while they began it."""
        found = self._runs.get(version) or self._search(version)
        if found is None:
            with self._alone():
                found = self._search(version) or self._create(version, first_minute)
        self._runs[version] = found
        if found.run_id not in self._completed:
            self._complete(version, found)
        return found

    def note_minute(self, run: ReleaseRun, minute: int) -> None:
        """Notes how far a run has come."""
        run.last_minute = max(run.last_minute, minute)
        self._client.set_tag(run.run_id, _LAST_TAG, str(run.last_minute))
        if not run.running:
            self._client.update_run(run.run_id, status="RUNNING")
            run.running = True

    def end_idle(self, minute: int) -> None:
        """Ends the runs of releases that answered nobody in the half hour before a minute."""
        for run in self._runs.values():
            if run.running and run.last_minute < minute - _IDLE_MINUTES:
                ended_ms = (run.last_minute + 1) * _MINUTE_MS
                self._client.set_terminated(run.run_id, "FINISHED", end_time=ended_ms)
                run.running = False

    def _search(self, version: Version) -> ReleaseRun | None:
        release, fingerprint = version
        found = self._client.search_runs(
            [self._experiment_id],
            f"tags.`{_RELEASE_TAG}` = '{release}' and tags.`{_FINGERPRINT_TAG}` = '{fingerprint}'"
            f" and tags.`{_STEPS_TAG}` = '{_STEPS}'",
            max_results=1,
        )
        return _known(found[0]) if found else None

    def _create(self, version: Version, first_minute: int) -> ReleaseRun:
        release, fingerprint = version
        created = self._client.create_run(
            self._experiment_id,
            start_time=first_minute * _MINUTE_MS,
            run_name=f"{release} {fingerprint[:6]}",
            tags={
                _RELEASE_TAG: release,
                _FINGERPRINT_TAG: fingerprint,
                _LAST_TAG: str(first_minute),
                _STEPS_TAG: _STEPS,
                _COLOUR_TAG: next_colour(self._taken_colours()),
            },
        )
        return _known(created)

    def _taken_colours(self) -> list[str]:
        """Returns the colours of the latest runs, which are those that are looked at together."""
        latest = self._client.search_runs(
            [self._experiment_id], order_by=["attributes.start_time DESC"], max_results=len(COLOURS)
        )
        return [run.data.tags.get(_COLOUR_TAG, "") for run in latest]

    def _complete(self, version: Version, run: ReleaseRun) -> None:
        from mlflow.entities import Param

        release, fingerprint = version
        described = params_of(release, self._vector_of(fingerprint))
        params = [Param(name, value) for name, value in described.items()]
        for chunk in chunks(params, PARAMS_PER_CALL):
            self._client.log_batch(run.run_id, params=chunk)
        self._completed.add(run.run_id)


def _version_of(run: "Run") -> Version:
    return run.data.tags.get(_RELEASE_TAG, ""), run.data.tags.get(_FINGERPRINT_TAG, "")


def _known(run: "Run") -> ReleaseRun:
    tags = run.data.tags
    first = run.info.start_time // _MINUTE_MS
    last = int(tags.get(_LAST_TAG, first))
    return ReleaseRun(run.info.run_id, first, last, run.info.status == "RUNNING")
