"""`ragserve init`: config files to begin with, in a folder of one's own."""

from pathlib import Path
from typing import Annotated

import typer

_LOCAL, _CLUSTER, _GPU = (
    "serve_config.yaml",
    "serve_config.cluster.yaml",
    "serve_config.gpu.yaml",
)


def init(
    folder: Annotated[
        Path, typer.Argument(help="Where to; made if need be.", metavar="DIR")
    ] = Path(),
    cluster: Annotated[
        bool, typer.Option("--cluster", help="Write the config for several machines, too.")
    ] = False,
    gpu: Annotated[
        bool, typer.Option("--gpu", help="Write the config with a language model on GPUs, too.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Write over files that are there.")
    ] = False,
) -> None:
    """Write a config that says what each of its lines is for, to begin with.

    Example: ragserve init my-service
    """
    from importlib.resources import files

    from app.cli.output import make_console
    from app.client.errors import CliError

    names = [_LOCAL, *([_CLUSTER] if cluster else []), *([_GPU] if gpu else [])]
    there = [name for name in names if (folder / name).exists()]
    if there and not force:
        raise CliError(
            f"{', '.join(there)} is there already in {folder.resolve()}",
            "Write over it: --force. Or name another folder: ragserve init DIR",
        )
    folder.mkdir(parents=True, exist_ok=True)
    console = make_console()
    for name in names:
        content = (files("app.defaults") / name).read_text(encoding="utf-8")
        (folder / name).write_text(content, encoding="utf-8")
        console.print(f"Wrote {folder / name}", markup=False)
    console.print("Next:")
    if folder != Path():
        console.print(f"  cd {folder}", markup=False)
    console.print("  ragserve up                 starts everything on this machine")
    console.print("  ragserve ingest PATH...     your documents")
    console.print('  ragserve ask "..."          your questions')
    if cluster or gpu:
        console.print("  docs/cluster.md             the same on a cluster")
