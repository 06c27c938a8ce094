"""The chart, rendered by Helm and without it, with several sets of values."""

import subprocess
import warnings
from pathlib import Path
from typing import Any

import yaml

from app.cluster.chart.render import render_chart

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of Ray's own, when its schema is imported
    import ray.serve.schema  # noqa: F401

ROOT = Path(__file__).parents[3]
CHART = ROOT / "deploy/chart/ragserve"
VALUES: dict[str, dict[str, Any]] = {
    "defaults": {},
    **{
        file.name.removesuffix("-values.yaml"): yaml.safe_load(file.read_text(encoding="utf-8"))
        for file in sorted((CHART / "ci").glob("*-values.yaml"))
    },
}
"""By what they are called; the files are those of `ci/`."""
RELEASE, NAMESPACE = "rag", "prod"


def objects(values: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns what `ragserve k8s render` makes of values."""
    rendered = render_chart(values, release=RELEASE, namespace=NAMESPACE)
    return [one for made in rendered.values() for one in made]


def only(kind: str, found: list[dict[str, Any]], suffix: str = "") -> dict[str, Any]:
    """Returns the one object of a kind, or the one whose name ends so."""
    [one] = [
        one for one in found if one["kind"] == kind and one["metadata"]["name"].endswith(suffix)
    ]
    return one


def ray_groups(found: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Returns the pod template of each group of Ray's nodes."""
    cluster = only("RayService", found)["spec"]["rayClusterConfig"]
    workers = {group["groupName"]: group["template"] for group in cluster["workerGroupSpecs"]}
    return {"head": cluster["headGroupSpec"]["template"], **workers}


def run_helm(
    helm: str, *arguments: str, values: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs Helm over the chart."""
    command = [helm, *arguments, *(["--values", str(values)] if values else [])]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
