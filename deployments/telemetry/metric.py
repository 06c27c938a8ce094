"""What a metric is, and who records it; Ray is behind a protocol, so that all else does without."""

from dataclasses import dataclass
from typing import Literal, Protocol

_NAMESPACE = "ray_"
_RENARD = (1.0, 1.6, 2.5, 4.0, 6.3)
_DECADES = range(-2, 7)
Tags = dict[str, str]


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric's definition.

    Attributes:
        name: As the code has it; a unit ends it.
        kind: A counter only grows, a gauge is a reading, a histogram counts values by size.
        says: What it means.
        tags: Names of its tags. Each takes few values: never a key, a user or a text.
        buckets: Upper bounds of a histogram's buckets.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    says: str
    tags: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def exported(self) -> tuple[str, ...]:
        """The names that Prometheus sees."""
        name = _NAMESPACE + self.name
        if self.kind == "counter":
            return (f"{name}_total",)
        if self.kind == "histogram":
            return (f"{name}_bucket", f"{name}_count", f"{name}_sum")
        return (name,)


class Counter(Protocol):
    """Adds up."""

    def inc(self, value: float, tags: Tags) -> None:
        """Adds a value above zero."""
        ...


class Gauge(Protocol):
    """Keeps the last reading."""

    def set(self, value: float, tags: Tags) -> None:
        """Notes a reading."""
        ...


class Histogram(Protocol):
    """Counts values by size."""

    def observe(self, value: float, tags: Tags) -> None:
        """Notes a value."""
        ...


class Meter(Protocol):
    """Makes what records metrics; one of each metric for a process."""

    def counter(self, metric: Metric) -> Counter:
        """Returns the counter of a definition."""
        ...

    def gauge(self, metric: Metric) -> Gauge:
        """Returns the gauge of a definition."""
        ...

    def histogram(self, metric: Metric) -> Histogram:
        """Returns the histogram of a definition."""
        ...


def preferred(lowest: float, highest: float) -> tuple[float, ...]:
    """Returns the preferred numbers in a range, ends included: five to a decade, in like ratios.

    Source: ISO 3, series R5, rounded to two digits.

    >>> preferred(0.4, 10.0)
    (0.4, 0.63, 1.0, 1.6, 2.5, 4.0, 6.3, 10.0)
    """
    numbers = (round(step * 10.0**decade, 4) for decade in _DECADES for step in _RENARD)
    return tuple(number for number in numbers if lowest <= number <= highest)
