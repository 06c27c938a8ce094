"""Between what rollouts are made of and values that JSON knows, without loss."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from deployments.canary.codec import from_json, to_json
from deployments.canary.evidence import Evidence
from deployments.canary.policy import Policy
from deployments.canary.rollout import Decision, State
from deployments.canary.verdict import Verdict
from deployments.control.tables import LookRow, RolloutRow
from deployments.rollouts import Look, Rollout, TrafficOverride

_LEVEL = 1
"""The fastest compression: evidence is written about once a second, and shrinks to a third."""


def rollout_row(rollout: Rollout) -> RolloutRow:
    """Returns the row of a rollout that is new."""
    return RolloutRow(
        id=rollout.id,
        stable=rollout.stable,
        canary=rollout.canary,
        policy=rollout.policy.model_dump(mode="json"),
        created_s=rollout.created_s,
        created_by=rollout.created_by,
        vectors={name: dict(vector) for name, vector in rollout.vectors.items()},
        deployed=dict(rollout.deployed),
        **state_columns(rollout.state),
    )


def state_columns(state: State) -> dict[str, Any]:
    """Returns the columns of a rollout that depend on its state."""
    return {
        "state": asdict(state),
        "sequence": state.sequence,
        "under_way": not state.ended,
    }


def rollout_of(row: RolloutRow) -> Rollout:
    """Returns the rollout that a row holds."""
    return Rollout(
        id=row.id,
        stable=row.stable,
        canary=row.canary,
        policy=policy_of(row.policy),
        state=State(**row.state),
        created_s=row.created_s,
        created_by=row.created_by,
        vectors=row.vectors,
        deployed=row.deployed,
    )


def policy_of(stored: Mapping[str, Any]) -> Policy:
    """Returns a policy as it was when it was stored: guardrails that have become defaults since are
    none of its own."""
    policy = Policy.model_validate(stored)
    kept = {name: policy.guardrails[name] for name in stored["guardrails"]}
    return policy.model_copy(update={"guardrails": kept})


def look_row(rollout_id: str, decision: Decision, state: State) -> LookRow:
    """Returns the row of a look that is new."""
    return LookRow(
        rollout_id=rollout_id,
        action=decision.action,
        decision=asdict(decision),
        state=asdict(state),
    )


def look_of(row: LookRow) -> Look:
    """Returns the look that a row holds."""
    return Look(row.id, row.rollout_id, decision_of(row.decision), State(**row.state))


def decision_of(stored: Mapping[str, Any]) -> Decision:
    """Returns the decision that was stored."""
    verdicts = tuple(Verdict(**verdict) for verdict in stored["verdicts"])
    return Decision(**{**stored, "verdicts": verdicts})


def override_to_json(override: TrafficOverride) -> dict[str, Any]:
    """Returns an override as values that JSON knows."""
    return {
        "weights": dict(override.weights),
        "deployed": dict(override.deployed),
        "by": override.by,
        "at_s": override.at_s,
    }


def override_of(stored: Mapping[str, Any]) -> TrafficOverride:
    """Returns the override that was stored."""
    return TrafficOverride(**stored)


def pack(evidence: Evidence) -> bytes:
    """Returns evidence as compressed JSON."""
    return zlib.compress(json.dumps(to_json(evidence), separators=(",", ":")).encode(), _LEVEL)


def unpack(content: bytes) -> Evidence:
    """Returns the evidence in compressed JSON."""
    return from_json(json.loads(zlib.decompress(content)))
