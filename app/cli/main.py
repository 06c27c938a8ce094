"""The `ragserve` command: collects the verbs, and turns an error into one line and an exit code.

Verbs import what they need when they run, so that `--help` answers at once.
"""

import sys
from typing import Annotated

import typer

from app.cli.access.audit import audit
from app.cli.access.keys import keys
from app.cli.access.tenants import tenants
from app.cli.ask import ask, search
from app.cli.backup import backup, restore
from app.cli.batch import batch
from app.cli.calibrate import calibrate
from app.cli.deploy import deploy
from app.cli.doctor import doctor
from app.cli.down import down
from app.cli.drift import drift
from app.cli.env import env
from app.cli.evaluate.command import evaluate
from app.cli.feedback.command import feedback
from app.cli.ingest import ingest
from app.cli.ingestions import ingestions
from app.cli.init import init
from app.cli.k8s import k8s
from app.cli.reindex import reindex
from app.cli.rollout import rollout
from app.cli.status import status
from app.cli.sync import sync
from app.cli.traffic import traffic
from app.cli.up import up
from app.cli.usage import usage
from app.client.errors import CliError

_HELP = """Retrieval-augmented generation on Ray Serve.

Start with: ragserve up
"""

app = typer.Typer(
    name="ragserve",
    help=_HELP,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        import importlib.metadata

        try:
            version = importlib.metadata.version("ragserve")
        except importlib.metadata.PackageNotFoundError:
            version = "(not installed as a package)"
        typer.echo(f"ragserve {version}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Options of the command itself; each acts by its callback."""


app.command()(init)
app.command()(up)
app.command()(down)
app.command()(status)
app.command()(doctor)
app.command()(deploy)
app.command()(env)
app.command()(evaluate)
app.add_typer(k8s)
app.command()(ingest)
app.add_typer(ingestions)
app.command()(sync)
app.command()(batch)
app.command()(calibrate)
app.command()(ask)
app.command()(search)
app.command()(drift)
app.add_typer(rollout)
app.command()(traffic)
app.command()(usage)
app.add_typer(feedback)
app.add_typer(keys)
app.add_typer(tenants)
app.command()(audit)
app.command()(reindex)
app.command()(backup)
app.command()(restore)


def main() -> None:
    """Runs the command line, and exits with 1 and one red line after an error of the stack."""
    try:
        app()
    except CliError as error:
        from app.cli.output import print_error

        print_error(error)
        sys.exit(1)


if __name__ == "__main__":
    main()
