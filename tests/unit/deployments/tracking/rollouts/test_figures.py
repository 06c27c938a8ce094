"""Parameters, metrics and tags are what MLflow takes, and what people can read."""

import json
import math
import re
from dataclasses import replace

from deployments.canary.policy import Policy
from deployments.canary.verdict import Verdict
from deployments.rollouts import Look, Rollout
from deployments.tracking.rollouts.figures import (
    decision_to_json,
    digest,
    metrics_of,
    params_of,
    stage_name,
    tags_of,
)
from tests.rollout_course import make_rollout

Shown = tuple[Rollout, list[Look]]
ALLOWED = re.compile(r"[\w.\- /]+")


def test_params_name_both_releases_and_what_differs(promoted: Shown) -> None:
    params = params_of(promoted[0])
    assert (params["stable"], params["canary"], params["created_by"]) == ("a", "b", "zoë")
    assert {name for name in params if name.startswith("differs.")} == {"differs.generator"}
    assert params["stable.vector"] != params["canary.vector"]


def test_params_have_a_line_per_stage_and_guardrail() -> None:
    policy = Policy.model_validate({"shadow": {}, "steps": [{"weight": 0.05}, {"weight": 0.5}]})
    params = params_of(make_rollout(policy=policy))
    assert "share 0.1" in params["stage.1"]
    assert "weight 0.5" in params["stage.3"]
    lines = {name for name in params if name.startswith("guardrail.")}
    assert lines == {f"guardrail.{name}" for name in policy.guardrails}
    assert params["guardrail.error"].startswith("margin 0.01")


def test_names_and_values_are_within_the_limits() -> None:
    vectors = {"a": {}, "b": {"odd#key'\n": "x" * 10_000, "k" * 400: 1}}
    for name, value in params_of(make_rollout(vectors=vectors)).items():
        assert ALLOWED.fullmatch(name)
        assert len(name) <= 250
        assert len(value) <= 500


def test_metrics_are_those_of_the_verdicts(promoted: Shown) -> None:
    rollout, looks = promoted
    metrics = metrics_of(rollout, looks[-1])
    (verdict,) = (one for one in looks[-1].decision.verdicts if one.metric == "total_ms.tail")
    for name in ("change", "lower", "upper", "canary", "baseline", "canary_requests"):
        assert metrics[f"total_ms.tail.{name}"] == getattr(verdict, name)
    assert metrics["canary_weight"] == 1.0
    assert metrics["stage"] == 3.0
    first = metrics_of(rollout, looks[0])
    assert first == {"canary_weight": 0.05, "stage": 1.0}


def test_what_is_no_figure_is_left_out(promoted: Shown) -> None:
    rollout, looks = promoted
    odd = Verdict("total_ms", "pass", "x", canary=math.inf, baseline=math.nan, change=0.5)
    alarm = Verdict("alarm", "fail", "the application is gone")
    look = replace(looks[0], decision=replace(looks[0].decision, verdicts=(odd, alarm, alarm)))
    figures = metrics_of(rollout, look)
    assert set(figures) == {
        "total_ms.change",
        "total_ms.canary_requests",
        "canary_weight",
        "stage",
    }
    content = json.dumps(decision_to_json(look), allow_nan=False)
    assert json.loads(content)["verdicts"][0]["canary"] is None


def test_tags_say_where_a_rollout_stands(promoted: Shown, rolled_back: Shown) -> None:
    rollout, looks = promoted
    assert tags_of(rollout, looks[0], None) == {
        "phase": "running",
        "verdict": "undecided",
        "reason": looks[0].decision.reason,
        "decided_by": "",
        "stage": "1 of 3 (5 %)",
    }
    rollout, looks = rolled_back
    tags = tags_of(rollout, looks[-1], looks[-1])
    assert (tags["verdict"], tags["decided_by"]) == ("rolled_back", "policy")
    by_hand = replace(looks[-1], decision=replace(looks[-1].decision, by="zoë", reason="x" * 9999))
    tags = tags_of(rollout, by_hand, by_hand)
    assert tags["decided_by"] == "zoë"
    assert len(tags["reason"]) <= 5000


def test_a_shadow_is_a_stage() -> None:
    policy = Policy.model_validate({"shadow": {}, "steps": [{"weight": 0.125}]})
    rollout = make_rollout(policy=policy)
    assert [stage_name(rollout, stage) for stage in (0, 1)] == [
        "1 of 2 (shadow)",
        "2 of 2 (12.5 %)",
    ]


def test_a_digest_depends_on_the_values_alone() -> None:
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})
