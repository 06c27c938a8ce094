"""`ragserve deploy`: a config into the running stack, or into another cluster."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.options import (
    DEFAULT_HOME,
    AddressOption,
    HomeOption,
    TimeoutOption,
    TokenFileOption,
)

if TYPE_CHECKING:
    from rich.console import Console


def deploy(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="The Serve config; the one deployed last to the local stack if left out.",
            metavar="FILE",
        ),
    ] = None,
    address: AddressOption = None,
    token_file: TokenFileOption = None,
    url: Annotated[
        str | None,
        typer.Option(
            help="With --address: wait until the API at this address is ready, too.", metavar="URL"
        ),
    ] = None,
    room_check: Annotated[
        bool,
        typer.Option(
            "--room-check/--no-room-check",
            help="With --address: refuse what has no room on the nodes that are there.",
        ),
    ] = True,
    home: HomeOption = DEFAULT_HOME,
    timeout_s: TimeoutOption = 180.0,
) -> None:
    """Check a Serve config, deploy it, and return once all applications run.

    For another cluster, other code of the package with the same file is a change, too: run this
    with the version of the package that its nodes have.

    Example: ragserve deploy serve_config.yaml

    Another cluster: ragserve deploy serve_config.cluster.yaml --address http://head:8265
    """
    from app.cli.serve_extra import require_serve_extra

    require_serve_extra("deploy")
    from app.cli.output import Progress, make_console, summary
    from app.cluster.checks import check_config
    from app.local.home import Home
    from app.local.starting import launch

    console = make_console()
    if address is not None:
        _deploy_to(console, address, file, token_file, url, room_check, timeout_s)
        return
    with Progress(console) as timeline:
        command = launch(Home(home), timeline=timeline, check=check_config, timeout_s=timeout_s)
        state = command.redeploy(file)
    took = f"{timeline.elapsed_s():.1f} s: {summary(timeline)}"
    console.print(f"[bold green]Deployed[/] {state.config_file} in {took}.")


def _deploy_to(
    console: "Console",
    address: str,
    file: Path | None,
    token_file: Path | None,
    url: str | None,
    room_check: bool,
    timeout_s: float,
) -> None:
    from app.cli.output import Progress, summary
    from app.client.errors import CliError
    from app.cluster.checks import check_config
    from app.cluster.remote import RemoteCluster
    from app.cluster.serve_config import load_cluster_config

    if file is None:
        raise CliError(
            "Which config?",
            "Name its file: ragserve deploy serve_config.cluster.yaml --address ...",
        )
    deadline_s = time.monotonic() + timeout_s
    with Progress(console) as timeline:
        RemoteCluster(address, token_file).deploy(
            load_cluster_config(file),
            check=check_config,
            timeline=timeline,
            deadline_s=deadline_s,
            api_url=url,
            room_check=room_check,
        )
    took = f"{timeline.elapsed_s():.1f} s: {summary(timeline)}"
    console.print(f"[bold green]Deployed[/] {file} to {address} in {took}.")
