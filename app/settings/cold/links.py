"""Addresses of other programs that the console leads to."""

from typing import Annotated

from pydantic import Field

from deployments.settings import Settings

Page = Annotated[str, Field(pattern=r"^https?://[^\s\"<>]+$")]
"""An address that a browser opens."""


class LinksArgs(Settings):
    """Where a person's browser finds them, which need not be where the service does."""

    mlflow: Page | None = None
    """MLflow's page; None: where traces go, if that is an MLflow server."""

    ray_dashboard: Page | None = None
    """Ray's dashboard; None: the console has no link to it."""

    grafana: Page | None = None
    """Grafana, or the dashboard of this service in it; None: the console has no link to it."""
