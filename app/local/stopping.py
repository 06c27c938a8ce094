"""Takes the stack down: what one start began and nothing else, so never by `ray stop`."""

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from app.client.errors import CliError
from app.cluster.serve_api import ServeApi
from app.local.home import Home
from app.local.processes import find_process, stop_members
from app.local.state import StackState, read_state

_SERVE_SHUTDOWN_S = 4.0


@dataclass(frozen=True)
class StopResult:
    """How many processes were stopped, and how many of them only by force."""

    stopped: int
    killed: int


def take_down(home: Home) -> StopResult | None:
    """Stops the stack of a folder; None where none was recorded there.

    Takes some ten seconds at the most: what has not left by then is killed.
    """
    state = read_state(home.state_file)
    return None if state is None else stop_stack(state, home=home)


def stop_stack(state: StackState, *, home: Home, gracefully: bool = True) -> StopResult:
    """Stops every process of one run, then forgets it; its logs stay in the stack's folder.

    Args:
        state: The run.
        home: The stack's folder.
        gracefully: Lets replicas finish their requests and flush their traces before MLflow goes
            too.
    """
    ray = [child for child in state.children if child.name == "ray"]
    if gracefully and any(find_process(child) for child in ray):
        with contextlib.suppress(CliError):
            ServeApi(state.dashboard_url, home.ray_token.read_text).shut_down(
                timeout_s=_SERVE_SHUTDOWN_S
            )
    stopped, killed = stop_members(state.instance, state.children)
    _keep_ray_logs(state.ray_dir, home)
    shutil.rmtree(state.temp_dir, ignore_errors=True)
    for file in (home.ray_token, home.ray_exports, home.state_file):
        file.unlink(missing_ok=True)
    return StopResult(stopped, killed)


def _keep_ray_logs(ray_dir: Path, home: Home) -> None:
    """Moves the logs of Ray and its replicas to the stack's folder; the next stop replaces them."""
    for session in ray_dir.glob("session_*"):
        if session.is_dir() and not session.is_symlink() and (session / "logs").is_dir():
            kept = home.log_of("ray").with_suffix("")
            shutil.rmtree(kept, ignore_errors=True)
            with contextlib.suppress(OSError):
                shutil.move(session / "logs", kept)
