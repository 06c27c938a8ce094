"""Whether the applications of a canary run: what ends a rollout without a comparison."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence

_log = logging.getLogger("ray.serve")
_UNHEALTHY_S = 10.0
"""A replica that died is back by then, unless it dies again."""
_PATIENCE_S = 2.0


class HealthWatch:
    """Asks about applications, one question at a time.

    Args:
        unhealthy: Returns which of some applications do not run, in words; it blocks, and may
            never come back.
    """

    def __init__(self, unhealthy: Callable[[Iterable[str]], Sequence[str]]) -> None:
        self._unhealthy = unhealthy
        self._asking: asyncio.Task[Sequence[str]] | None = None
        self._names: list[str] = []
        self._since_s: float | None = None

    async def alarms(self, names: list[str], now_s: float) -> Sequence[str]:
        """Returns what is wrong, once it has been for a while. Where nobody can say, nothing is:
        answers are judged all the same."""
        if names != self._names:
            self._names, self._since_s = names, None
        if self._asking is None:
            self._asking = asyncio.create_task(asyncio.to_thread(self._unhealthy, names))
        done, _ = await asyncio.wait({self._asking}, timeout=_PATIENCE_S)
        if not done:
            return ()
        asked, self._asking = self._asking, None
        if (error := asked.exception()) is not None:
            _log.warning("nobody can say whether applications run: %s", error)
            return ()
        if not asked.result():
            self._since_s = None
            return ()
        if self._since_s is None:
            self._since_s = now_s
        return asked.result() if now_s - self._since_s >= _UNHEALTHY_S else ()
