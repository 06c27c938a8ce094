"""`ragserve rollout`: try a release on a part of the traffic, and watch what comes of it."""

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.options import DEFAULT_HOME, HomeOption, ReasonOption, UrlOption
from app.client.address import DEFAULT_URL

_HELP = """Try a release on part of the traffic; what is measured promotes it or rolls it back.

Start with: ragserve rollout start RELEASE --watch
"""
rollout = typer.Typer(name="rollout", help=_HELP, no_args_is_help=True)

RolloutArgument = Annotated[
    str | None, typer.Argument(metavar="[ID]", help="The rollout; without it, the latest one.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the service's answer as JSON.")]
_WATCH_EVERY_S = 1.0
_AWAY_S = 60.0
_ENDED = ("promoted", "rolled_back")


@rollout.command()
def start(
    canary: Annotated[str, typer.Argument(help="The release to try.")],
    stable: Annotated[
        str | None,
        typer.Option(help="What it is compared with.", show_default="what has most traffic"),
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option(
            help="YAML file that says what it must show.",
            show_default="as configured",
            metavar="FILE",
        ),
    ] = None,
    mode: Annotated[
        str | None,
        typer.Option(
            help="Who acts: nobody, a person to go on, or the service alone.",
            metavar="observe_only|abort_only|auto",
            show_default="the policy's",
        ),
    ] = None,
    follow: Annotated[bool, typer.Option("--watch", "-w", help="Watch it to its end.")] = False,
    home: HomeOption = DEFAULT_HOME,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """Begin to try a release.

    Example: ragserve rollout start minilm-v2 --policy policy.yaml --watch
    """
    from app.cli.operator import operator_name, operator_service
    from app.cli.output import make_console

    body: dict[str, Any] = {"canary": canary, "by": operator_name()}
    if stable is not None:
        body["stable"] = stable
    wanted = read_policy(policy)
    if wanted is not None:
        body["policy"] = wanted
    if mode is not None:
        body["mode"] = mode
    with operator_service(url, home) as service:
        begun = service.request("POST", "/admin/rollouts", body, repeat="unsent")
    console = make_console()
    console.print(
        f"Rollout [bold]{begun['id']}[/]: {begun['canary']} against {begun['stable']}, "
        f"{begun['stages']} stages, mode {begun['mode']}."
    )
    if follow:
        watch(begun["id"], home=home, url=url)
    else:
        console.print("Follow it: ragserve rollout watch")


@rollout.command()
def status(
    rollout_id: RolloutArgument = None,
    history: Annotated[bool, typer.Option("--all", help="List the latest rollouts.")] = False,
    home: HomeOption = DEFAULT_HOME,
    url: UrlOption = DEFAULT_URL,
    as_json: JsonOption = False,
) -> None:
    """Show a rollout: where it is, what is known of each metric, what was decided."""
    from app.cli.operator import operator_service
    from app.cli.output import make_console
    from app.cli.rollout_view import details, overview

    with operator_service(url, home) as service:
        every = service.request("GET", "/admin/rollouts") if history else None
        found = every or _find(service, rollout_id)
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        make_console().print(details(found) if every is None else overview(every["rollouts"]))


@rollout.command()
def watch(
    rollout_id: RolloutArgument = None,
    home: HomeOption = DEFAULT_HOME,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """Watch a rollout live until it ends. Exit code 0 if it was promoted, 2 if it was rolled back.

    Ctrl-C ends the watching, not the rollout.
    """
    from app.cli.operator import operator_service
    from app.cli.rollout_view import Screen
    from app.client.errors import CliError

    with operator_service(url, home) as service, Screen() as screen:
        found = _find(service, rollout_id)
        screen.show(found)
        seen_s = time.monotonic()
        while found["phase"] not in _ENDED:
            time.sleep(_WATCH_EVERY_S)
            try:
                found = _find(service, found["id"])
            except CliError:  # the controller may be away for a while
                if time.monotonic() - seen_s > _AWAY_S:
                    raise
                continue
            seen_s = time.monotonic()
            screen.show(found)
    if found["phase"] == "rolled_back":
        raise typer.Exit(2)


def _find(service: Any, rollout_id: str | None) -> dict[str, Any]:
    """Returns one rollout, the latest one where none is named."""
    from app.client.errors import CliError

    if rollout_id is None:
        latest = service.request("GET", "/admin/rollouts?limit=1")["rollouts"]
        if not latest:
            raise CliError(
                "There has been no rollout yet.", "Begin one: ragserve rollout start RELEASE"
            )
        rollout_id = latest[0]["id"]
    found: dict[str, Any] = service.request("GET", f"/admin/rollouts/{rollout_id}")
    return found


def read_policy(file: Path | None) -> dict[str, Any] | None:
    """Returns what a policy file says, or None without one.

    Raises:
        CliError: it cannot be read, or is not a mapping.
    """
    import yaml

    from app.client.errors import CliError

    if file is None:
        return None
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CliError(f"{file} cannot be read as YAML: {error}") from error
    if not isinstance(content, dict):
        raise CliError(f"{file} is not a policy: it must be a mapping of settings.")
    return content


def _command(name: str, says: str) -> None:
    """Adds a verb by which a person steps in."""

    def step_in(
        rollout_id: RolloutArgument = None,
        reason: ReasonOption = "",
        home: HomeOption = DEFAULT_HOME,
        url: UrlOption = DEFAULT_URL,
    ) -> None:
        from rich.markup import escape

        from app.cli.operator import operator_name, operator_service
        from app.cli.output import make_console
        from app.cli.rollout_view import coloured

        with operator_service(url, home) as service:
            found = _find(service, rollout_id)
            body = {"reason": reason, "by": operator_name(), "stage": found["stage"]}
            path = f"/admin/rollouts/{found['id']}/{name}"
            done = service.request("POST", path, body, repeat="unsent")
        make_console().print(
            f"Rollout [bold]{done['id']}[/]: {coloured(done['phase'])}, {escape(done['reason'])}"
        )

    rollout.command(name=name, help=says)(step_in)


_command("promote", "End it now: the canary answers everybody, whatever was measured.")
_command("abort", "End it now: the canary answers nobody any more.")
_command("pause", "Hold it: weights stay, and only a failure rolls it back.")
_command("resume", "Let a paused rollout go on.")
_command("approve", "Agree that the stage may end, where the policy asks a person.")
_command("advance", "End the stage now, and go on to the next one.")
