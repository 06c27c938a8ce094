"""How a process that reads files stands back while questions are answered on its node.

Niceness gives a question the processor, but not its other thread: what runs there slows the first
one down by half. So readers are stopped, for most of the time in which somebody waits.
"""

import ctypes
import os
import signal
import sys
from threading import Event

from deployments.serving.last_question import LastQuestion

_SLICE_S = 0.01
"""How long a reader runs before it is looked whether somebody asks; a question takes some 40 ms."""
_ASKED_FOR_S = 0.1
"""How long after a stage began to work on a question it is taken to be under way."""
_LOOK_EVERY_S = 0.1
_PR_SET_PDEATHSIG = 1


class Pace:
    """Stops readers and lets them go on.

    Args:
        questions: Tells when somebody asks; None where nobody can.
        share: Of the time, in (0, 1], in which a reader runs while somebody does.
    """

    def __init__(self, questions: LastQuestion | None, share: float) -> None:
        is_able = sys.platform == "linux" and share < 1
        self._questions = questions if is_able else None
        self._pause_s = _SLICE_S * (1 / share - 1)
        self.look_every_s = _LOOK_EVERY_S if self._questions is None else _SLICE_S
        """How long a reader may run between two calls of `hold_back`."""

    def hold_back(self, pid: int, stop: Event) -> float:
        """Stops a process for a while if somebody asks. Blocks.

        Returns:
            For how many seconds.
        """
        if self._questions is None or self._questions.age_s() > _ASKED_FOR_S:
            return 0.0
        os.kill(pid, signal.SIGSTOP)
        try:
            stop.wait(self._pause_s)
        finally:
            os.kill(pid, signal.SIGCONT)
        return self._pause_s


def outlive_nobody() -> None:
    """Has the system wake this process when its parent dies, which may have stopped it: it finds
    its connection closed then, and ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGCONT)


NO_PACE = Pace(None, 1.0)
"""Nobody asks where files are read for a command."""
