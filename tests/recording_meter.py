"""A meter that remembers what it was told."""

from collections import defaultdict
from dataclasses import dataclass, field

from deployments.telemetry.metric import Counter, Gauge, Histogram, Metric, Tags

Series = tuple[tuple[str, str], ...]


def series(**tags: str) -> Series:
    return tuple(sorted(tags.items()))


@dataclass
class RecordingMeter:
    """Keeps the values of every metric by its tags; fails as Ray does where tags are missing."""

    made: list[Metric] = field(default_factory=list)
    values: dict[str, dict[Series, list[float]]] = field(default_factory=dict)

    def counter(self, metric: Metric) -> Counter:
        return self._make(metric, "counter")

    def gauge(self, metric: Metric) -> Gauge:
        return self._make(metric, "gauge")

    def histogram(self, metric: Metric) -> Histogram:
        return self._make(metric, "histogram")

    def sums(self, metric: Metric) -> dict[Series, float]:
        """Returns the sum of the values of a metric, by tags."""
        return {tags: sum(values) for tags, values in self.values[metric.name].items()}

    def _make(self, metric: Metric, kind: str) -> "_Recorder":
        assert metric.kind == kind
        assert metric.name not in self.values, "made twice"
        self.made.append(metric)
        found: dict[Series, list[float]] = defaultdict(list)
        self.values[metric.name] = found
        return _Recorder(metric, found)


class _Recorder:
    def __init__(self, metric: Metric, found: dict[Series, list[float]]) -> None:
        self._metric, self._found = metric, found

    def inc(self, value: float, tags: Tags) -> None:
        assert self._metric.kind == "counter"
        assert value > 0, "Ray refuses it"
        self._note(value, tags)

    def set(self, value: float, tags: Tags) -> None:
        assert self._metric.kind == "gauge"
        self._found.pop(series(**tags), None)
        self._note(value, tags)

    def observe(self, value: float, tags: Tags) -> None:
        assert self._metric.kind == "histogram"
        self._note(value, tags)

    def _note(self, value: float, tags: Tags) -> None:
        assert set(tags) == set(self._metric.tags), "Ray refuses it"
        assert all(isinstance(text, str) for text in tags.values()), "Ray refuses it"
        self._found[series(**tags)].append(value)
