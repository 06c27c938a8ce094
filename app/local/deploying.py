"""Deploys a config and follows it until every application runs, or one says that it cannot."""

from collections.abc import Callable

import httpx
import yaml

from app.client.errors import CliError
from app.local.home import Home
from app.local.readiness import pause, wait_until_api_ready
from app.local.serve_api import ApplicationStatus, ServeApi
from app.local.serve_config import ServeConfig
from app.local.timeline import Timeline

_RUNNING = "RUNNING"
_FAILED = "DEPLOY_FAILED"
_SERVE_STEP = "serve"
_READY_STEP = "health/ready"


def roll_out(
    config: ServeConfig,
    *,
    api: ServeApi,
    api_url: str,
    home: Home,
    timeline: Timeline,
    deadline_s: float,
    still_alive: Callable[[], None],
    unchanged: bool = False,
) -> None:
    """Sends the config and returns when its applications run and the API says that it is ready.

    Args:
        config: What to deploy; a copy stays in the stack's folder.
        api: Serve.
        api_url: Of the deployed API.
        home: The stack's folder.
        timeline: Gets one step per application.
        deadline_s: On the monotonic clock.
        still_alive: Raises where a child of the stack has died.
        unchanged: It is deployed already: only waits.

    Raises:
        CliError: Serve refused the config, an application failed, or the deadline passed.
    """
    timeline.waiting(*step_names(config))
    timeline.starting(_SERVE_STEP, "accepting the config")
    if not unchanged:
        home.deployed_config.write_text(yaml.safe_dump(config.document, sort_keys=False))
        api.deploy(config.document)
    timeline.ready(_SERVE_STEP, "config unchanged" if unchanged else "config accepted")
    for name in config.application_names:
        timeline.starting(name)
    while not _all_running(config, api.applications(), timeline, home):
        still_alive()
        pause(deadline_s, waiting_for="the applications to run", logs=home.logs.as_posix())
    timeline.starting(_READY_STEP)
    wait_until_api_ready(
        api_url, deadline_s=deadline_s, still_alive=still_alive, logs=home.logs.as_posix()
    )
    timeline.ready(_READY_STEP, f"HTTP {int(httpx.codes.OK)}")


def step_names(config: ServeConfig) -> list[str]:
    """Returns the steps that a roll-out of this config goes through."""
    return [_SERVE_STEP, *config.application_names, _READY_STEP]


def _all_running(
    config: ServeConfig,
    applications: tuple[ApplicationStatus, ...],
    timeline: Timeline,
    home: Home,
) -> bool:
    """Tells the timeline where each application is, and whether all run and no old one is left."""
    wanted = set(config.application_names)
    for application in applications:
        if application.name in wanted:
            _report(application, timeline, home)
    running = {entry.name for entry in applications if entry.status == _RUNNING}
    leftover = {entry.name for entry in applications} - wanted
    return wanted <= running and not leftover


def _report(application: ApplicationStatus, timeline: Timeline, home: Home) -> None:
    replicas = f"{application.replicas} replicas"
    if application.status == _FAILED:
        timeline.failed(application.name, application.status)
        log_file = home.log_of(f"{application.name}.failed")
        log_file.write_text(application.explanation + "\n", encoding="utf-8")
        raise CliError(
            f"Application {application.name} could not be deployed",
            f"The whole message: {log_file}",
            detail=shorten(application.explanation),
        )
    if application.status == _RUNNING:
        timeline.ready(application.name, replicas)
    else:
        timeline.starting(application.name, f"{application.status.lower()}, {replicas}")


def shorten(message: str, *, max_lines: int = 8, max_columns: int = 200) -> str:
    """Returns the last lines of a message: of a traceback, those that name the error."""
    lines = [line.rstrip()[:max_columns] for line in message.splitlines() if line.strip(" ^~")]
    return "\n".join(lines[-max_lines:])
