"""What people do to a rollout by hand."""

from typing import Literal

from deployments.canary.policy import Policy
from deployments.canary.rollout import Decision, State, apply_action
from deployments.contracts.errors import InvalidRequest

Command = Literal["approve", "advance", "promote", "pause", "resume", "roll_back"]


def command(
    policy: Policy, state: State, what: Command, *, now_s: float, by: str, why: str = ""
) -> tuple[Decision, State]:
    """Returns the decision that a person made, and the state after it.

    `approve` lets the stage end once its guardrails pass, `advance` ends it now and `promote` the
    whole rollout, whatever they say. The policy's mode binds nobody who decides by hand.

    Args:
        policy: Of the rollout.
        state: Before the command.
        what: The command.
        now_s: Seconds since the epoch.
        by: Who gives it.
        why: In their words.

    Raises:
        InvalidRequest: The state does not allow it.
    """
    if state.ended:
        raise InvalidRequest(f"The rollout has ended: it is {state.phase.replace('_', ' ')}.")
    if what == "resume" and state.phase != "paused":
        raise InvalidRequest("The rollout is not paused.")
    if what == "pause" and state.phase == "paused":
        raise InvalidRequest("The rollout is paused already.")
    if what == "approve" and not policy.stages[state.stage].approval:
        raise InvalidRequest("The stage needs no approval.")
    last = state.stage == len(policy.stages) - 1
    action = "promote" if what == "advance" and last else what
    reason = f"{what.replace('_', ' ')} by {by}" + (f": {why}" if why else "")
    decision = Decision(action, action, reason, state.stage, now_s, by=by)
    return decision, apply_action(action, reason, state, now_s)
