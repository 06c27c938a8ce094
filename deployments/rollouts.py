"""What the gateway and the `control` application tell each other about rollouts and traffic."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from deployments.canary.commands import Command
from deployments.canary.evidence import Evidence
from deployments.canary.policy import Mode, Policy
from deployments.canary.rollout import Decision, Shares, State
from deployments.contracts.calls import CallContext
from deployments.service_state import GatewayLoad, ServiceState

Weights = Mapping[str, float]
"""Weight per release."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """A release on its way to all traffic.

    Args:
        id: Also the salt of the assignment: every rollout deals its callers anew.
        stable: The release that the canary is compared with, and that answers when it fails.
        canary: The release that is tried.
        policy: What it must show.
        state: Where it is.
        created_s: When it began, in seconds since the epoch.
        created_by: Who began it.
        vectors: What both releases are made of, by their names, as the gateway's settings have it.
        deployed: The weights in the gateway's settings when it began.
    """

    id: str
    stable: str
    canary: str
    policy: Policy
    state: State
    created_s: float
    created_by: str
    vectors: Mapping[str, Mapping[str, Any]]
    deployed: Weights


@dataclass(frozen=True, slots=True)
class RolloutRequest:
    """A release that somebody wants to try; see `Rollout`. Without a policy it is the configured
    one, and without a mode the policy's."""

    stable: str
    canary: str
    policy: Policy | None
    mode: Mode | None
    by: str
    vectors: Mapping[str, Mapping[str, Any]]
    deployed: Weights


@dataclass(frozen=True, slots=True)
class Look:
    """A decision as it was kept, and the state after it; `id` rises with time."""

    id: int
    rollout_id: str
    decision: Decision
    state: State


@dataclass(frozen=True, slots=True)
class TrafficOverride:
    """Weights that a promotion or a person set while the service ran.

    They hold as long as the gateway's settings still say what they said then: whoever deploys other
    weights has the last word.

    Args:
        weights: What holds.
        deployed: What the settings said when they were set.
        by: Who set them.
        at_s: When, in seconds since the epoch.
    """

    weights: Weights
    deployed: Weights
    by: str
    at_s: float


@dataclass(frozen=True, slots=True)
class ActiveRollout:
    """What an ingress replica must know of a rollout that has not ended.

    Args:
        id: Salt of the assignment.
        stable: See `Rollout`.
        canary: See `Rollout`.
        stage: Number of the stage.
        shares: Who gets what.
        counted_from_s: Requests that began before are no evidence.
        policy: What is measured, and how.
    """

    id: str
    stable: str
    canary: str
    stage: int
    shares: Shares
    counted_from_s: float
    policy: Policy


@dataclass(frozen=True, slots=True)
class TrafficPlan:
    """What an ingress replica does beside its settings."""

    rollout: ActiveRollout | None = None
    override: TrafficOverride | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What an ingress replica says about once a second.

    A report whose answer was lost is sent again under the same number, so that no evidence counts
    twice and none is lost.

    Args:
        replica: Which one.
        sequence: Rises with every new report of a replica.
        deployed: The weights in its settings.
        rollout_id: What the evidence is about; empty where there is none.
        evidence: What it saw since the report before.
        load: How busy it is; None where it does not say.
    """

    replica: str
    sequence: int
    deployed: Weights
    rollout_id: str = ""
    evidence: Evidence | None = None
    load: GatewayLoad | None = None


class ControlStage(Protocol):
    """The rollout controller, as the gateway sees it. All methods raise StageError."""

    async def describe(self, *, call: CallContext) -> dict[str, object]:
        """Returns that its database answers; raises Unavailable when it does not."""
        ...

    async def state(self, *, call: CallContext) -> ServiceState:
        """Returns which replicas run, and how busy those of the gateway are."""
        ...

    async def exchange(self, report: Report, *, call: CallContext) -> TrafficPlan:
        """Takes a replica's report, and returns the plan in force."""
        ...

    async def start(self, request: RolloutRequest, *, call: CallContext) -> Rollout:
        """Begins a rollout.

        Raises:
            Conflict: one is under way.
        """
        ...

    async def command(
        self,
        rollout_id: str,
        what: Command,
        *,
        by: str,
        why: str,
        stage: int | None = None,
        call: CallContext,
    ) -> Rollout:
        """Does to a rollout what a person wants, in the stage that the person saw.

        Raises:
            NotFound: there is none of this id.
            Conflict: it is in another stage, or was changed at the same time.
            InvalidRequest: its state does not allow it.
        """
        ...

    async def rollouts(self, *, limit: int, call: CallContext) -> Sequence[Rollout]:
        """Returns the latest rollouts, newest first."""
        ...

    async def rollout(
        self, rollout_id: str, *, call: CallContext
    ) -> tuple[Rollout, Decision | None, Sequence[Look]]:
        """Returns a rollout, what would be decided now, and the decisions that changed it.

        Raises:
            NotFound: there is none of this id.
        """
        ...

    async def looks(self, rollout_id: str, *, points: int, call: CallContext) -> Sequence[Look]:
        """Returns about so many looks of a rollout, evenly from its first one to its latest one,
        oldest first, and every decision that changed it.

        Raises:
            NotFound: there is none of this id.
        """
        ...

    async def set_traffic(
        self, weights: Weights | None, *, by: str, deployed: Weights, call: CallContext
    ) -> TrafficOverride | None:
        """Sets weights that hold beside the settings, or takes them back with None.

        Raises:
            Conflict: a rollout is under way.
        """
        ...
