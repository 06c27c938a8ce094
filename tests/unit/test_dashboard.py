"""The dashboard and the page on metrics know the metrics that there are."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from deployments.telemetry.catalog import EVERY_METRIC
from deployments.telemetry.metric import Metric

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
FILE = (ROOT / "deployments/telemetry/grafana.json").read_text()
DASHBOARD: dict[str, Any] = json.loads(FILE)
PANELS: list[dict[str, Any]] = [one for one in DASHBOARD["panels"] if one["type"] != "row"]
VARIABLE = {"type": "prometheus", "uid": "${datasource}"}
OF_VLLM = "ray_vllm_"
_NAME = re.compile(r"\bray_\w+")
_SELECTOR = re.compile(r"(ray_\w+)\{([^}]*)\}")
_TAG = re.compile(r"(\w+)(?:=~|!=|=)")
_GROUPS = re.compile(r"by \(([^)]*)\)")


def expressions(panel: dict[str, Any]) -> list[str]:
    return [target["expr"] for target in panel["targets"]]


EVERY_EXPRESSION = [text for panel in PANELS for text in expressions(panel)]


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_every_panel_asks_something_and_names_its_unit(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert expressions(panel)
    assert all(expressions(panel))
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"] == VARIABLE


def test_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)


def test_nothing_is_tied_to_one_grafana() -> None:
    assert "id" not in DASHBOARD
    sources = re.findall(r'"uid": "([^"]*)"', FILE)
    assert set(sources) == {"ragserve", "${datasource}"}


def test_queries_name_metrics_and_tags_that_exist() -> None:
    tags = {name: {*metric.tags, "le"} for metric in EVERY_METRIC for name in metric.exported}
    for text in EVERY_EXPRESSION:
        names = [name for name in _NAME.findall(text) if not name.startswith(OF_VLLM)]
        assert set(names) <= set(tags), text
        for name, selector in _SELECTOR.findall(text):
            assert {*_TAG.findall(selector)} <= tags[name], text
        if names:
            known = set.union(*(tags[name] for name in names))
            for group in _GROUPS.findall(text):
                assert {*re.split(r", ?", group)} <= known, text


@pytest.mark.parametrize("metric", EVERY_METRIC, ids=lambda metric: metric.name)
def test_every_metric_is_on_the_dashboard_and_explained(metric: Metric) -> None:
    assert any(name in text for name in metric.exported for text in EVERY_EXPRESSION)
    page = (DOCS / "metrics.md").read_text()
    suffix = {"counter": "_total", "gauge": "", "histogram": ""}[metric.kind]
    [row] = [
        line for line in page.splitlines() if line.startswith(f"| `ray_{metric.name}{suffix}`")
    ]
    assert [cell.strip() for cell in row.split("|")][2] == metric.kind
    assert all(f"`{tag}`" in row for tag in metric.tags)
