"""`ragserve deploy`: a changed config into the running stack."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli.options import DEFAULT_HOME, HomeOption, TimeoutOption


def deploy(
    file: Annotated[
        Path | None,
        typer.Argument(help="The Serve config; the one deployed last if left out.", metavar="FILE"),
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    timeout_s: TimeoutOption = 180.0,
) -> None:
    """Check a Serve config, deploy it to the running stack, and return once all applications run.

    Example: ragserve deploy serve_config.yaml
    """
    from app.cli.serve_extra import require_serve_extra

    require_serve_extra("deploy")
    from app.cli.output import Progress, make_console, summary
    from app.local.checks import check_config
    from app.local.home import Home
    from app.local.starting import launch

    console = make_console()
    with Progress(console) as timeline:
        command = launch(Home(home), timeline=timeline, check=check_config, timeout_s=timeout_s)
        state = command.redeploy(file)
    took = f"{timeline.elapsed_s():.1f} s: {summary(timeline)}"
    console.print(f"[bold green]Deployed[/] {state.config_file} in {took}.")
