"""The definitions of metrics, and that Ray takes them."""

import warnings
from itertools import pairwise

import pytest

from deployments.telemetry.catalog import EVERY_METRIC
from deployments.telemetry.metric import Metric, preferred

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of Ray's own, when it is imported
    from deployments.telemetry.ray_meter import RayMeter

BY_RAY = {"application", "deployment", "replica"}
FORBIDDEN = {"key", "key_id", "user", "session", "request_id", "id", "query"}


@pytest.mark.parametrize("metric", EVERY_METRIC, ids=lambda metric: metric.name)
def test_ray_takes_every_definition(metric: Metric) -> None:
    meter = RayMeter()
    make = {"counter": meter.counter, "gauge": meter.gauge, "histogram": meter.histogram}
    made = make[metric.kind](metric)
    info = made.info  # type: ignore[attr-defined]
    assert (info["name"], info["tag_keys"]) == (metric.name, metric.tags)
    assert tuple(info.get("boundaries", ())) == metric.buckets


def test_names_are_told_apart_and_tags_are_bounded() -> None:
    names = [metric.name for metric in EVERY_METRIC]
    assert len(set(names)) == len(names)
    for metric in EVERY_METRIC:
        assert metric.name.startswith("ragserve_")
        assert not metric.name.endswith("_total"), "Ray adds it"
        assert not {*metric.tags} & (BY_RAY | FORBIDDEN)
        assert bool(metric.buckets) == (metric.kind == "histogram")


def test_exported_names_are_those_of_prometheus() -> None:
    assert Metric("a", "counter", "").exported == ("ray_a_total",)
    assert Metric("a", "gauge", "").exported == ("ray_a",)
    assert Metric("a", "histogram", "", (), (1.0,)).exported == (
        "ray_a_bucket",
        "ray_a_count",
        "ray_a_sum",
    )


def test_buckets_grow_by_like_ratios() -> None:
    numbers = preferred(0.4, 63_000.0)
    assert numbers[0] == 0.4
    assert numbers[-1] == 63_000.0
    assert all(1.55 < after / before < 1.65 for before, after in pairwise(numbers))
