"""The alerts fire when they should, and ask for metrics and tags that there are."""

import re
import subprocess
from typing import Any

import pytest
import yaml

from deployments.telemetry.catalog import EVERY_METRIC
from tests.unit.deploy.charts import ROOT

FOLDER = ROOT / "deploy/monitoring"
GROUPS: list[dict[str, Any]] = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"]
RULES = [rule for group in GROUPS for rule in group["rules"]]
ALERTS = [rule for rule in RULES if "alert" in rule]
TAGS = {
    name: {*metric.tags, "le", "application", "deployment", "replica"}
    for metric in EVERY_METRIC
    for name in metric.exported
}
_SELECTOR = re.compile(r"\b(ray_\w+)(?:\{([^}]*)\})?")
_TAG = re.compile(r"(\w+)(?:=~|!=|=)")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert") or rule.get("record"))
def test_rules_ask_for_what_is_exported(rule: dict[str, Any]) -> None:
    recorded = {other["record"] for other in RULES if "record" in other}
    asked = _SELECTOR.findall(rule["expr"])
    assert asked or recorded & set(re.findall(r"ragserve:[\w:]+", rule["expr"]))
    assert set(re.findall(r"ragserve:[\w:]+", rule["expr"])) <= recorded
    for name, selector in asked:
        assert {*_TAG.findall(selector)} <= TAGS[name], name
    groups = [
        text
        for found in re.findall(r"by \(([^)]*)\)", rule["expr"])
        for text in re.split(r", ?", found)
    ]
    shown = re.findall(r"\$labels\.(\w+)", str(rule.get("annotations")))
    assert set(shown) <= set(groups)
    assert all(any(group in TAGS[name] for name, _ in asked) for group in groups)


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_every_alert_is_tried_and_explained(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert f"`{rule['alert']}`" in (ROOT / "docs/metrics.md").read_text()
    tried = yaml.safe_load((FOLDER / "alerts.test.yaml").read_text())["tests"]
    of_it = [
        one
        for test in tried
        for one in test["alert_rule_test"]
        if one["alertname"] == rule["alert"]
    ]
    assert any("exp_alerts" in one for one in of_it), "it never fires"
    assert any("exp_alerts" not in one for one in of_it), "it always fires"


def test_promtool_agrees(promtool: str) -> None:
    for arguments in (["check", "rules", "alerts.yaml"], ["test", "rules", "alerts.test.yaml"]):
        done = subprocess.run(
            [promtool, *arguments], cwd=FOLDER, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
