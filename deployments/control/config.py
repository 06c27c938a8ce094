"""Settings of the control application."""

import os
from pathlib import Path

from pydantic import Field

from deployments.canary.policy import Policy
from deployments.settings import Settings

DATABASE_VARIABLE = "RAGSERVE_DATABASE_URL"


class TrackerArgs(Settings):
    """Where rollouts are written down for people."""

    mlflow_url: str | None = None
    """Address of an MLflow server. Without one nothing is written; rollouts go on all the same."""

    experiment: str = Field(default="ragserve-rollouts", min_length=1)
    """The experiment that has a run for every rollout."""

    registered_model: str = Field(default="ragserve", min_length=1)
    """The registered model that has a version for every release, with the aliases `champion` and
    `challenger`."""


class ControlArgs(Settings):
    """Settings of the control application. A change restarts it, which harms no request."""

    database_url: str | None = None
    """Where rollouts are kept, as a SQLAlchemy URL. Without it the environment's
    RAGSERVE_DATABASE_URL says it, which is the place for a password, and without that it is a
    SQLite file in ~/.ragserve."""

    policy: Policy = Policy()
    """What a rollout must show that was begun without a policy of its own."""

    tracker: TrackerArgs = TrackerArgs()
    """Where rollouts are written down for people."""


def database_url(args: ControlArgs) -> str:
    """Returns where rollouts are kept."""
    given = args.database_url or os.environ.get(DATABASE_VARIABLE)
    if given:
        return given
    folder = Path.home() / ".ragserve"
    folder.mkdir(mode=0o700, exist_ok=True)
    return f"sqlite:///{folder / 'control.db'}"
