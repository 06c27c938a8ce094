"""`ragserve down`: stops what `ragserve up` started, or the applications of another cluster."""

import time
from pathlib import Path
from typing import Annotated

import typer

from app.cli.options import DEFAULT_HOME, AddressOption, HomeOption, TokenFileOption


def down(
    home: HomeOption = DEFAULT_HOME,
    address: AddressOption = None,
    token_file: TokenFileOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="With --address: do not ask.")] = False,
) -> None:
    """Stop what `ragserve up` started here, and nothing else. Data and logs stay.

    With --address all applications of that cluster are stopped, and its nodes stay.

    Example: ragserve down
    """
    from app.cli.output import make_console
    from app.local.home import Home
    from app.local.stopping import take_down

    if address is not None:
        _down_of(address, token_file, yes=yes)
        return
    console = make_console()
    began_s = time.monotonic()
    result = take_down(Home(home))
    if result is None or result.stopped == 0:
        console.print(f"Nothing runs of {home}.")
        return
    forced = f", {result.killed} of them by force" if result.killed else ""
    took_s = time.monotonic() - began_s
    console.print(
        f"Stopped {result.stopped} processes{forced} in {took_s:.1f} s. Logs: {home}/logs"
    )


def _down_of(address: str, token_file: Path | None, *, yes: bool) -> None:
    from app.cli.output import make_console
    from app.cluster.remote import RemoteCluster

    console = make_console()
    cluster = RemoteCluster(address, token_file)
    _, applications = cluster.look()
    names = ", ".join(application.name for application in applications)
    if not names:
        console.print(f"Nothing is deployed to {address}.")
        return
    if not yes:
        typer.confirm(f"Stop {names} of {address}?", abort=True)
    began_s = time.monotonic()  # how long somebody thinks about it is not counted
    cluster.shut_down()
    console.print(f"Stopped {names} in {time.monotonic() - began_s:.1f} s.")
