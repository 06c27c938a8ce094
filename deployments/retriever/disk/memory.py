"""Memory that the process holds and does not use."""

import ctypes
import sys
from collections.abc import Callable


def give_back() -> None:
    """Has glibc give the system what was freed: writing an index takes memory in several threads,
    which would keep theirs, each after its highest. Does nothing where there is no glibc."""
    trim = _trim()
    if trim is not None:
        trim(0)


def _trim() -> Callable[[int], int] | None:
    if not sys.platform.startswith("linux"):
        return None
    found: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return found
