"""Deploys a config and follows it until every application runs, or one says that it cannot."""

from collections.abc import Callable, Iterable
from pathlib import Path

import httpx

from app.client.errors import CliError
from app.cluster.own_packages import shadow_hint
from app.cluster.serve_api import ApplicationStatus, ServeApi
from app.cluster.serve_config import ServeConfig
from app.cluster.timeline import Timeline
from app.cluster.waiting import pause, wait_until_api_ready

_RUNNING = "RUNNING"
_FAILED = "DEPLOY_FAILED"
_SERVE_STEP = "serve"
_READY_STEP = "health/ready"


def roll_out(
    config: ServeConfig,
    *,
    api: ServeApi,
    api_url: str | None,
    timeline: Timeline,
    deadline_s: float,
    still_alive: Callable[[], None] = lambda: None,
    unchanged: bool = False,
    logs: Path | None = None,
) -> None:
    """Sends the config and returns when its applications run and the API says that it is ready.

    Args:
        config: What to deploy.
        api: Serve.
        api_url: Of the deployed API; None asks none.
        timeline: Gets one step per application.
        deadline_s: On the monotonic clock.
        still_alive: Raises where it can be told that nothing will come any more.
        unchanged: It is deployed already: only waits.
        logs: Folder for messages that are too long to be shown; None shows their ends alone.

    Raises:
        CliError: Serve refused the config, an application failed, or the deadline passed.
    """
    hint = f"Allow more time with --timeout, or read the logs{f' in {logs}' if logs else ''}"
    timeline.waiting(*step_names(config, has_api=api_url is not None))
    timeline.starting(_SERVE_STEP, "accepting the config")
    if not unchanged:
        api.deploy(config.document)
    timeline.ready(_SERVE_STEP, "config unchanged" if unchanged else "config accepted")
    for name in config.application_names:
        timeline.starting(name)
    while not _all_running(config, applications := api.applications(), timeline, logs):
        still_alive()
        waits = waiting_lines(applications)
        pause(deadline_s, waiting_for="the applications to run", hint=hint, detail=waits)
    if api_url is None:
        return
    timeline.starting(_READY_STEP)
    wait_until_api_ready(api_url, deadline_s=deadline_s, still_alive=still_alive, hint=hint)
    timeline.ready(_READY_STEP, f"HTTP {int(httpx.codes.OK)}")


def step_names(config: ServeConfig, *, has_api: bool = True) -> list[str]:
    """Returns the steps that a roll-out of this config goes through."""
    return [_SERVE_STEP, *config.application_names, *([_READY_STEP] if has_api else [])]


def waiting_lines(applications: Iterable[ApplicationStatus]) -> str:
    """Returns what each deployment waits for that is not whole: a line of them, and one of Serve's
    own words, such as which resources it wants and which are free."""
    lines = []
    for application in applications:
        for deployment in application.deployments:
            if deployment.running_replicas < deployment.target_replicas:
                replicas = f"{deployment.running_replicas}/{deployment.target_replicas} replicas"
                lines.append(f"{application.name} {deployment.name}: {replicas}")
                if deployment.message:
                    lines.append(f"  {shorten(deployment.message, max_lines=1)}")
    return "\n".join(lines)


def _all_running(
    config: ServeConfig,
    applications: tuple[ApplicationStatus, ...],
    timeline: Timeline,
    logs: Path | None,
) -> bool:
    """Tells the timeline where each application is, and whether all run and no old one is left."""
    wanted = set(config.application_names)
    for application in applications:
        if application.name in wanted:
            _report(application, timeline, logs)
    running = {entry.name for entry in applications if entry.status == _RUNNING}
    leftover = {entry.name for entry in applications} - wanted
    return wanted <= running and not leftover


def _report(application: ApplicationStatus, timeline: Timeline, logs: Path | None) -> None:
    replicas = f"{application.replicas} replicas"
    if application.status == _FAILED:
        timeline.failed(application.name, application.status)
        hint = shadow_hint(application.explanation)
        if logs is not None:
            log_file = logs / f"{application.name}.failed.log"
            log_file.write_text(application.explanation + "\n", encoding="utf-8")
            hint = f"{hint} The whole message: {log_file}".strip()
        raise CliError(
            f"Application {application.name} could not be deployed",
            hint,
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
