"""What MLflow shows of a rollout: parameters, figures over time, tags. No MLflow in here."""

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

from deployments.canary.metrics import METRICS
from deployments.canary.policy import Stage, Step
from deployments.canary.rollout import shares
from deployments.canary.verdict import Verdict
from deployments.rollouts import Look, Rollout
from deployments.tracking.mlflow.limits import PARAM_CHARACTERS, key_of, text_of

_TAG_CHARACTERS = 5000
_FIGURES = ("change", "lower", "upper", "canary", "baseline", "canary_requests")


def params_of(rollout: Rollout) -> dict[str, str]:
    """Returns what was fixed when the rollout began: both releases, in what they differ, and one
    line per stage and guardrail of the policy."""
    policy = rollout.policy.model_dump(mode="json")
    guardrails, steps = policy.pop("guardrails"), policy.pop("steps")
    stages = [one for one in (policy.pop("shadow"), *steps) if one is not None]
    params: dict[str, Any] = {
        "stable": rollout.stable,
        "canary": rollout.canary,
        "created_by": rollout.created_by,
    }
    for arm, release in (("stable", rollout.stable), ("canary", rollout.canary)):
        params[f"{arm}.vector"] = digest(rollout.vectors.get(release, {}))[:12]
    params |= {f"differs.{key}": text for key, text in _differences(rollout).items()}
    params |= {f"stage.{number}": _line(stage) for number, stage in enumerate(stages, 1)}
    params |= {f"guardrail.{name}": _line(guardrail) for name, guardrail in guardrails.items()}
    params |= {f"policy.{name}": value for name, value in policy.items()}
    return {key_of(name): text_of(value)[:PARAM_CHARACTERS] for name, value in params.items()}


def metrics_of(rollout: Rollout, look: Look) -> dict[str, float]:
    """Returns the figures of one look, and the stage counted from 1; what has no finite value is
    left out."""
    figures = {
        f"{verdict.metric}.{name}": getattr(verdict, name)
        for verdict in look.decision.verdicts
        if verdict.canary is not None
        for name in _FIGURES
    }
    figures["canary_weight"] = shares(rollout.policy, look.state).canary
    figures["stage"] = look.state.stage + 1
    return {
        key_of(name): float(value)
        for name, value in figures.items()
        if value is not None and math.isfinite(value)
    }


def tags_of(rollout: Rollout, look: Look, last_change: Look | None) -> dict[str, str]:
    """Returns where a rollout stands after a look, and who brought it there."""
    phase = look.state.phase
    tags = {
        "phase": phase,
        "verdict": phase if look.state.ended else "undecided",
        "reason": look.decision.reason,
        "decided_by": decided_by(last_change.decision.by) if last_change else "",
        "stage": stage_name(rollout, look.state.stage),
    }
    return {name: value[:_TAG_CHARACTERS] for name, value in tags.items()}


def decided_by(person: str) -> str:
    """Returns who decided, where there may have been no person."""
    return person or "policy"


def stage_name(rollout: Rollout, stage: int) -> str:
    """Returns a stage's number, counted from 1, and its share of the traffic."""
    stages = rollout.policy.stages
    return f"{stage + 1} of {len(stages)} ({share_of(stages[stage])})"


def share_of(stage: Stage) -> str:
    """Returns the canary's share of the traffic in a stage, in words."""
    return f"{stage.weight * 100:.4g} %" if isinstance(stage, Step) else "shadow"


def is_relative(metric: str) -> bool:
    """Returns whether the change of a metric is a share of the baseline, and not a difference."""
    known = METRICS.get(metric)
    return known is not None and known.kind in ("geometric_mean", "mean")


def decision_to_json(look: Look) -> dict[str, Any]:
    """Returns a look for a reader of files; JSON has no infinity."""
    return {
        "id": look.id,
        "at_s": look.decision.at_s,
        "action": look.decision.action,
        "wanted": look.decision.wanted,
        "reason": look.decision.reason,
        "decided_by": decided_by(look.decision.by),
        "phase_after": look.state.phase,
        "stage": look.decision.stage,
        "stage_after": look.state.stage,
        "verdicts": [_verdict_to_json(verdict) for verdict in look.decision.verdicts],
    }


def digest(value: Mapping[str, Any]) -> str:
    """Returns the same 64 characters for the same values, in whatever order."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _verdict_to_json(verdict: Verdict) -> dict[str, Any]:
    values = ((name, getattr(verdict, name)) for name in Verdict.__dataclass_fields__)
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in values
    }


def _differences(rollout: Rollout) -> dict[str, str]:
    """Returns in what the releases differ, as "before -> after"."""
    before, after = (rollout.vectors.get(name, {}) for name in (rollout.stable, rollout.canary))
    return {
        key: f"{text_of(before.get(key))} -> {text_of(after.get(key))}"
        for key in sorted({*before, *after})
        if before.get(key) != after.get(key)
    }


def _line(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {text_of(value)}" for name, value in settings.items())
