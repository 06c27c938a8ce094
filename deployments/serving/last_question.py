"""When a stage of this node last worked on a question: what work that can wait looks at.

A number in a file that the processes of a node have in their memory, so that nobody asks anybody.
"""

import logging
import math
import mmap
import os
import struct
import time
from pathlib import Path
from typing import Self

from deployments.node_folder import node_folder

_NAME = "last-question"
_SECONDS = struct.Struct("=d")
_log = logging.getLogger("ray.serve")


class LastQuestion:
    """Safe to share between threads and processes.

    Args:
        folder: The node's; None shares nothing: then no question is ever known of.
    """

    def __init__(self, folder: Path | None) -> None:
        self._shared = None if folder is None else _shared(folder / _NAME)

    @classmethod
    def of_node(cls) -> Self:
        """Returns what this node's folder has, for stages that are told of no other."""
        return cls(node_folder(None))

    def note(self) -> None:
        """Says that one is worked on now."""
        if self._shared is not None:
            _SECONDS.pack_into(self._shared, 0, time.monotonic())

    def age_s(self) -> float:
        """Returns the seconds since then; infinity where none is known of."""
        if self._shared is None:
            return math.inf
        (noted_s,) = _SECONDS.unpack_from(self._shared)
        age_s = time.monotonic() - noted_s
        # Before the machine was started again its clock was further on.
        return age_s if noted_s > 0 and age_s >= 0 else math.inf


def _shared(path: Path) -> mmap.mmap | None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(descriptor, _SECONDS.size)
            return mmap.mmap(descriptor, _SECONDS.size)
        finally:
            os.close(descriptor)
    except OSError as error:
        _log.warning("%s cannot be shared, so that nothing stands back: %s", path, error)
        return None
