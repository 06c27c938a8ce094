"""Settings of the control application."""

import os
from pathlib import Path

from pydantic import Field

from deployments.canary.policy import Policy
from deployments.settings import Settings

DATABASE_VARIABLE = "RAGSERVE_DATABASE_URL"


class Retention(Settings):
    """How long the database keeps what the gateway told of its activity, and MLflow its traces.
    Usage is kept for ever."""

    samples_days: float = Field(default=35.0, gt=0)
    """Sampled queries, by which weeks are compared."""

    minutes_days: float = Field(default=7.0, gt=0)
    """Figures of releases by minute, once MLflow has them."""

    unrecorded_minutes_days: float = Field(default=30.0, gt=0)
    """The same while MLflow does not answer. Without an MLflow server it is `minutes_days`."""

    reporters_days: float = Field(default=2.0, ge=1)
    """The number of the last report of a gateway replica that reports no more."""

    answers_days: float = Field(default=7.0, gt=0)
    """The ids of answers: for so long they can be rated."""

    assessments_days: float = Field(default=180.0, gt=0)
    """What people and judges have said of answers. The traces in MLflow keep theirs."""

    traces_days: float | None = Field(default=None, gt=0)
    """Traces in MLflow, which deletes none by itself. None keeps them for ever: they may be the
    only record of an answer."""


class TrackerArgs(Settings):
    """What is written down of requests and rollouts, and where."""

    mlflow_url: str | None = None
    """Address of an MLflow server. Without one nothing is written to it; rollouts go on, and usage
    is counted, all the same."""

    experiment: str = Field(default="ragserve-rollouts", min_length=1)
    """The experiment that has a run for every rollout."""

    releases_experiment: str = Field(default="ragserve-releases", min_length=1)
    """The experiment that has a run for every release, with its figures by minute."""

    drift_experiment: str = Field(default="ragserve-drift", min_length=1)
    """The experiment that has a run for every comparison of two windows of time."""

    traces_experiment: str = Field(default="ragserve", min_length=1)
    """The experiment that has the traces, as the gateway's `tracing.experiment` names it; old ones
    are deleted where `retention.traces_days` says so."""

    registered_model: str = Field(default="ragserve", min_length=1)
    """The registered model that has a version for every release, with the aliases `champion` and
    `challenger`."""

    retention: Retention = Retention()
    """How long the database keeps what the gateway told."""


class BatchArgs(Settings):
    """What batches of work may hold, and how long it is kept."""

    max_lines: int = Field(default=50_000, ge=1)
    """Lines of one batch."""

    max_line_bytes: int = Field(default=2**20, ge=1024)
    """Bytes of one line."""

    max_file_bytes: int = Field(default=100 * 2**20, ge=1024)
    """Bytes of one file of lines; the gateway's `max_upload_bytes` bounds it, too."""

    max_kept_bytes: int = Field(default=4 * 2**30, ge=1024)
    """Bytes of all files of lines together. Over it no further one is taken."""

    max_open: int = Field(default=100, ge=1)
    """Batches that have not ended, of all callers together. Over it no further one is begun."""

    results_days: float = Field(default=30.0, gt=0)
    """A batch that has ended stays for so long, with its files and results. A file that no batch
    was made of stays as long."""

    lease_s: float = Field(default=15.0, ge=2, le=3600)
    """A line that a gateway replica was given goes to another one when it has not been heard of for
    so long."""


class ControlArgs(Settings):
    """Settings of the control application. A change restarts it, which harms no request."""

    database_url: str | None = None
    """Where rollouts and usage are kept, as a SQLAlchemy URL. Without it the environment's
    RAGSERVE_DATABASE_URL says it, which is the place for a password, and without that it is a
    SQLite file in ~/.ragserve."""

    policy: Policy = Policy()
    """What a rollout must show that was begun without a policy of its own."""

    tracker: TrackerArgs = TrackerArgs()
    """Where rollouts and figures are written down for people."""

    batches: BatchArgs = BatchArgs()
    """What batches of work may hold, and how long it is kept."""


def database_url(named: str | None) -> str:
    """Returns where rollouts, usage and keys are kept.

    Args:
        named: What the settings say; None for what the environment does.
    """
    given = named or os.environ.get(DATABASE_VARIABLE)
    if given:
        return given
    folder = Path.home() / ".ragserve"
    folder.mkdir(mode=0o700, exist_ok=True)
    return f"sqlite:///{folder / 'control.db'}"
