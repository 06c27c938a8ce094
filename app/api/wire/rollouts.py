"""Rollouts and decisions as `/admin` shows them."""

from collections.abc import Sequence
from datetime import UTC, datetime

from app.schemas.admin import (
    DecisionInfo,
    LookInfo,
    LookVerdict,
    RolloutDetails,
    RolloutInfo,
    VerdictInfo,
)
from deployments.canary.policy import Step
from deployments.canary.rollout import Decision, shares
from deployments.rollouts import Look, Rollout


def rollout_info(rollout: Rollout) -> RolloutInfo:
    """Returns a rollout as lists show it."""
    state, stages = rollout.state, rollout.policy.stages
    return RolloutInfo(
        id=rollout.id,
        canary=rollout.canary,
        stable=rollout.stable,
        phase=state.phase,
        stage=state.stage,
        stages=len(stages),
        stage_name=stage_name(rollout),
        weight=shares(rollout.policy, state).canary,
        reason=state.reason,
        mode=rollout.policy.mode,
        created_at=_time(rollout.created_s),
        created_by=rollout.created_by,
        stage_since=_time(state.entered_s),
    )


def rollout_details(
    rollout: Rollout, latest: Decision | None, looks: Sequence[Look]
) -> RolloutDetails:
    """Returns a rollout with its latest look and its history."""
    return RolloutDetails(
        **rollout_info(rollout).model_dump(),
        decision=None if latest is None else decision_info(latest),
        verdicts=[VerdictInfo.model_validate(verdict) for verdict in latest.verdicts]
        if latest
        else [],
        history=[decision_info(look.decision) for look in looks],
        policy=rollout.policy.model_dump(mode="json"),
        releases={name: dict(vector) for name, vector in rollout.vectors.items()},
    )


def look_info(look: Look) -> LookInfo:
    """Returns what was known at one moment."""
    decision = look.decision
    return LookInfo(
        at=_time(decision.at_s),
        stage=decision.stage,
        action=decision.action,
        verdicts=[LookVerdict.model_validate(verdict) for verdict in decision.verdicts],
    )


def decision_info(decision: Decision) -> DecisionInfo:
    """Returns a decision in words."""
    return DecisionInfo(
        action=decision.action,
        wanted=decision.wanted,
        reason=decision.reason,
        stage=decision.stage,
        at=_time(decision.at_s),
        by=decision.by,
    )


def stage_name(rollout: Rollout) -> str:
    """Returns what people call the stage of a rollout."""
    stage = rollout.policy.stages[rollout.state.stage]
    return f"{stage.weight * 100:.3g} %" if isinstance(stage, Step) else "shadow"


def _time(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)
