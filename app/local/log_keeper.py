"""A small process beside the servers of a stack that keeps their logs within their bounds, also
while nobody runs a command; it ends by itself once none of them lives.

It stands between nobody: servers write to files of their own, and go on without it.
"""

import argparse
import contextlib
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import psutil

from app.client.errors import CliError
from app.local.children import ChildSpec
from app.local.environment import INSTANCE_VARIABLE
from app.local.home import Home
from app.local.log_rotation import LogLimits, prune, rotate
from app.local.processes import find_process
from app.local.state import StackState, read_state

_MODULE = "app.local.log_keeper"
_EVERY_S = 1.0
_PRUNE_EVERY = 60


def keeper_spec(home: Home, *, instance: str, limits: LogLimits) -> ChildSpec:
    """Returns the keeper of one run. Start it after the servers: without one it ends.

    Args:
        home: The stack's folder, as an absolute path.
        instance: The id of the run.
        limits: The bounds.
    """
    return ChildSpec(
        name="logs",
        command=(
            # Not the module of that name that may lie in the working directory.
            *(sys.executable, "-P", "-m", _MODULE),
            *("--home", str(home.root), "--instance", instance),
            *("--file-bytes", str(limits.file_bytes), "--archives", str(limits.archives)),
            *("--folder-bytes", str(limits.folder_bytes)),
        ),
        environment={INSTANCE_VARIABLE: instance},
        ready_url="",
    )


def is_kept(members: Iterable[psutil.Process]) -> bool:
    """Returns whether one of the processes of a run is its keeper."""
    for process in members:
        with contextlib.suppress(psutil.Error):
            if _MODULE in process.cmdline():
                return True
    return False


def keep_once(home: Home, ray_dir: Path, limits: LogLimits, *, pruning: bool) -> None:
    """Looks at every log of a stack once.

    Args:
        home: The stack's folder.
        ray_dir: Ray's folder. Ray rotates each log in there, those of replicas too, by what is
            in its environment; those of processes that have ended it never deletes.
        limits: The bounds.
        pruning: Whether old files are deleted, too.
    """
    for log_file in home.logs.glob("*.log"):
        rotate(log_file, limits)
    if pruning:
        prune([home.logs], limits)
        prune(_session_logs(ray_dir), limits)


def main(arguments: Sequence[str] | None = None) -> None:
    """Keeps the logs of one run until it is over."""
    options = _parser().parse_args(arguments)
    home = Home(options.home)
    limits = LogLimits(options.file_bytes, options.archives, options.folder_bytes)
    turn = 0
    while (state := _living(home, options.instance)) is not None:
        keep_once(home, state.ray_dir, limits, pruning=turn % _PRUNE_EVERY == 0)
        turn += 1
        time.sleep(_EVERY_S)


def _living(home: Home, instance: str) -> StackState | None:
    """Returns the run while it is the one of this folder and one of its servers lives."""
    with contextlib.suppress(CliError):
        state = read_state(home.state_file)
        if state is not None and state.instance == instance:
            return state if any(find_process(child) for child in state.children) else None
    return None


def _session_logs(ray_dir: Path) -> list[Path]:
    """Returns where Ray logs."""
    folders = ray_dir.glob("session_*/logs")
    return [folder for folder in folders if not folder.parent.is_symlink()]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--instance", required=True)
    parser.add_argument("--file-bytes", type=int, required=True)
    parser.add_argument("--archives", type=int, required=True)
    parser.add_argument("--folder-bytes", type=int, required=True)
    return parser


if __name__ == "__main__":
    main()
