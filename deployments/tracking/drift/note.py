"""What a comparison of two windows found, in Markdown, and as metrics and tags of a run."""

import math
from datetime import UTC, datetime

from deployments.drift import DriftCheck, DriftReport

_SAYS = {"drift": "**drift**", "none": "no drift", "not_enough": "not enough data"}
_NAMES = {
    "queries": "What is asked (area under the curve of a classifier, 0.5 is chance)",
    "top_score": "Score of the best passage (Kolmogorov-Smirnov distance)",
    "answer_words": "Words of an answer (Kolmogorov-Smirnov distance)",
    "ungrounded": "Answers without support (difference of the shares)",
}
_HEAD = (
    "| Comparison | Reference | Current | Effect | Matters from | Chance | Verdict |\n"
    "|---|---:|---:|---:|---:|---:|---|"
)


def drift_note(report: DriftReport) -> str:
    """Returns the report for people."""
    windows = "\n".join(
        f"- {name}: {_time(window.from_s)} to {_time(window.to_s)}, {window.samples} queries"
        for name, window in (("reference", report.reference), ("current", report.current))
    )
    rows = "\n".join(_row(check) for check in report.checks)
    reasons = "\n".join(
        f"- {check.name.replace('_', ' ')}: {check.reason}{_more(check)}" for check in report.checks
    )
    return f"Verdict: {_SAYS[report.verdict]}.\n\n{windows}\n\n{_HEAD}\n{rows}\n\n{reasons}"


def drift_metrics(report: DriftReport) -> dict[str, float]:
    """Returns the figures that are known, and how many samples each window has."""
    metrics: dict[str, float] = {
        "reference_samples": report.reference.samples,
        "current_samples": report.current.samples,
        "drifts": sum(check.verdict == "drift" for check in report.checks),
    }
    for check in report.checks:
        figures = {
            "effect": check.effect,
            "p_value": check.p_value,
            "p_adjusted": check.p_adjusted,
            "reference": check.reference,
            "current": check.current,
            **check.figures,
        }
        metrics |= {
            f"{check.name}.{name}": float(value)
            for name, value in figures.items()
            if value is not None and math.isfinite(value)
        }
    return metrics


def drift_tags(report: DriftReport) -> dict[str, str]:
    """Returns the release and the verdicts, to search runs by."""
    checks = {f"verdict.{check.name}": check.verdict for check in report.checks}
    return {"release": report.release, "verdict": report.verdict, **checks}


def _row(check: DriftCheck) -> str:
    cells = (
        _NAMES[check.name],
        _number(check.reference),
        _number(check.current),
        _number(check.effect),
        _number(check.least_effect),
        _number(check.p_adjusted),
        _SAYS[check.verdict],
    )
    return f"| {' | '.join(cells)} |"


def _more(check: DriftCheck) -> str:
    figures = [f"{name.replace('_', ' ')} {value:.3g}" for name, value in check.figures.items()]
    return f" ({', '.join(figures)})" if figures else ""


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _time(at_s: float) -> str:
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M} UTC"
