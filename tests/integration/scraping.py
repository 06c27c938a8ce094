"""What Prometheus would find at the targets of the shared cluster."""

import json
from collections import defaultdict

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.cluster import Cluster

_LABELS = ("kind", "route", "outcome", "release", "stage", "type", "missing", "error", "event")
Sample = tuple[str, tuple[tuple[str, str], ...]]


def scrape(cluster: Cluster) -> dict[Sample, float]:
    """Returns what every target of Ray's file for Prometheus says, summed over other labels."""
    groups = json.loads((cluster.ray_dir / "prom_metrics_service_discovery.json").read_text())
    totals: defaultdict[Sample, float] = defaultdict(float)
    for target in {target for group in groups for target in group["targets"]}:
        text = httpx.get(f"http://{target}/metrics", timeout=10).text
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                labels = {k: v for k, v in sample.labels.items() if k in _LABELS and v}
                totals[sample.name, tuple(sorted(labels.items()))] += sample.value
    return dict(totals)


def value(samples: dict[Sample, float], metric: str, **labels: str) -> float:
    """Returns the sum of the series that have these labels, whatever others they have."""
    return sum(
        number
        for (name, found), number in samples.items()
        if name == metric and labels.items() <= dict(found).items()
    )
