"""Background work of a replica: the same thing again and again, whatever becomes of it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from deployments.contracts.errors import RagError

_log = logging.getLogger("ray.serve")


async def every(interval_s: float, work: Callable[[], Awaitable[object]], *, fails: str) -> None:
    """Does the work, waits, and does it again, until it is cancelled.

    Args:
        interval_s: Time between the end of one turn and the beginning of the next.
        work: What is done; what it raises is logged, and ends that turn only.
        fails: What a failure means, for the log: "usage was not told".
    """
    while True:
        try:
            await work()
        except RagError as error:
            _log.warning("%s: %s", fails, error)
        except Exception:
            _log.exception("%s", fails)
        await asyncio.sleep(interval_s)
