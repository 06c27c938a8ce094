"""What the tracker tells of the days that it compared."""

from collections.abc import Callable

from deployments.drift import DriftReport
from deployments.telemetry.catalog import DRIFT_COMPARISONS
from deployments.telemetry.metric import Meter


def report_drift(meter: Meter) -> Callable[[DriftReport], None]:
    """Returns what is told of each day."""
    days = meter.counter(DRIFT_COMPARISONS)

    def report(day: DriftReport) -> None:
        days.inc(1, {"release": day.release, "verdict": day.verdict})

    return report
