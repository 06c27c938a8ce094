"""The tracker's shell."""

import asyncio

from deployments.control.config import ControlArgs, database_url
from deployments.control.store import ControlStore
from deployments.tracking.rollout_runs import RolloutRuns


class Tracker:
    """Writes down in MLflow what the control application decided, off the path of every request.

    Args:
        args: `ControlArgs` as a mapping.
    """

    def __init__(self, args: dict[str, object]) -> None:
        settings = ControlArgs.model_validate(args)
        self._runs: RolloutRuns | None = None
        self._writing = asyncio.Lock()
        tracker = settings.tracker
        if tracker.mlflow_url is not None:
            self._runs = RolloutRuns(
                ControlStore(database_url(settings)),
                tracker.mlflow_url,
                experiment=tracker.experiment,
                registered_model=tracker.registered_model,
            )

    async def record_rollouts(self) -> int:
        """Writes what is not written yet, and returns how many looks that were; 0 while another
        call is at it."""
        if self._runs is None or self._writing.locked():
            return 0
        # Also when the caller has lost patience: the thread goes on, and so must the lock.
        return await asyncio.shield(asyncio.create_task(self._record(self._runs)))

    async def _record(self, runs: RolloutRuns) -> int:
        async with self._writing:
            return await asyncio.to_thread(runs.record_pending)
