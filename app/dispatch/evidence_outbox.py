"""Evidence on its way from an ingress replica to the controller: nothing twice, nothing lost."""

from collections.abc import Callable
from dataclasses import dataclass

from app.releases.assignment import Assignment
from app.request.figures import Values
from deployments.canary.evidence import Evidence, merge
from deployments.canary.recording import Recorder
from deployments.rollouts import ActiveRollout, Report, Weights
from deployments.service_state import GatewayLoad
from deployments.serving.report_link import Outbox


@dataclass(slots=True)
class _Stage:
    """The stage of a rollout that evidence is gathered for."""

    rollout: ActiveRollout
    recorder: Recorder


class EvidenceOutbox(Outbox[Report]):
    """Gathers outcomes of the stage under way, for the reports that carry them.

    Args:
        replica: Name of this replica.
        deployed: Returns the weights in the settings, None before they arrived.
        now_s: Seconds since the epoch.
        load: Returns how busy this replica is, None where it cannot say.
    """

    def __init__(
        self,
        replica: str,
        deployed: Callable[[], Weights | None],
        now_s: Callable[[], float],
        load: Callable[[], GatewayLoad | None] = lambda: None,
    ) -> None:
        super().__init__()
        self._replica = replica
        self._deployed = deployed
        self._now_s = now_s
        self._load = load
        self._stage: _Stage | None = None
        self._waiting: Evidence | None = None

    def follow(self, rollout: ActiveRollout | None) -> None:
        """Turns to the rollout in force. Evidence of another stage is of no use to anybody, and
        dropped."""
        current = self._stage.rollout if self._stage else None
        if _place(current) == _place(rollout):
            return
        self._stage = self._waiting = None
        if rollout is not None:
            recorder = Recorder(
                stage=rollout.stage,
                counted_from_s=rollout.counted_from_s,
                metrics=rollout.policy.recorded,
                block_s=rollout.policy.block_s,
            )
            self._stage = _Stage(rollout, recorder)

    def observe(self, assignment: Assignment, begun_s: float, values: Values) -> None:
        """Notes the outcome of a request that began in the stage that is followed."""
        stage = self._stage_of(assignment, begun_s)
        if stage is not None and assignment.arm is not None:
            stage.recorder.observe(
                assignment.arm,
                sticky_key=assignment.sticky_key,
                at_s=self._now_s(),
                values=values,
            )

    def observe_pair(self, assignment: Assignment, begun_s: float, values: Values) -> None:
        """Notes how the answers of both releases to one request compare."""
        stage = self._stage_of(assignment, begun_s)
        if stage is not None:
            stage.recorder.observe_pair(
                sticky_key=assignment.sticky_key, at_s=self._now_s(), values=values
            )

    def report(self) -> Report | None:
        """See `Outbox.report`."""
        self._gather()
        return super().report()

    def make(self, sequence: int) -> Report:
        """See `Outbox.make`; there is always something to tell, if only the weights."""
        rollout_id = self._stage.rollout.id if self._stage and self._waiting else ""
        deployed = dict(self._deployed() or {})
        report = Report(self._replica, sequence, deployed, rollout_id, self._waiting, self._load())
        self._waiting = None
        return report

    def refused(self) -> str:
        """See `Outbox.refused`."""
        super().refused()
        return "the evidence of a report"

    def _gather(self) -> None:
        """Makes sums of what was seen, which take the same room however much it was."""
        if self._stage is None:
            return
        seen = self._stage.recorder.drain()
        if seen.frame is not None:
            self._waiting = seen if self._waiting is None else merge(self._waiting, seen)

    def _stage_of(self, assignment: Assignment, begun_s: float) -> _Stage | None:
        stage = self._stage
        if stage is None or _place(assignment.rollout) != _place(stage.rollout):
            return None
        return stage if begun_s >= stage.rollout.counted_from_s else None


def _place(rollout: ActiveRollout | None) -> tuple[str, int] | None:
    return None if rollout is None else (rollout.id, rollout.stage)
