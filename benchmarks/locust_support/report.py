"""How the result of a load test looks on a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from benchmarks.load.knee import Step
from benchmarks.locust_support.slo import Finding


def requests_table(figures: Mapping[str, Mapping[str, Any]]) -> Table:
    """Returns a row per endpoint of `summarise`'s figures."""
    table = Table(title="Requests after the ramp", title_justify="left")
    table.add_column("endpoint")
    for name in ("ok", "refused", "failed", "per second", "p50 ms", "p95 ms", "p99 ms"):
        table.add_column(name, justify="right")
    for path, found in figures.items():
        counts = (str(found[name]) for name in ("ok", "refused", "failed"))
        times = (_number(found[name]) for name in ("p50_ms", "p95_ms", "p99_ms"))
        table.add_row(path, *counts, f"{found['requests_per_s']:.1f}", *times)
    return table


def findings_table(findings: Sequence[Finding]) -> Table:
    """Returns a row per objective, with its verdict."""
    table = Table(title="Service level objectives", title_justify="left")
    table.add_column("endpoint")
    table.add_column("objective")
    table.add_column("limit", justify="right")
    table.add_column("measured", justify="right")
    table.add_column("verdict")
    for finding in findings:
        sign = "≥" if finding.objective == "goodput_per_s" else "≤"
        verdict = "[green]met[/]" if finding.met else "[bold red]missed[/]"
        table.add_row(
            finding.endpoint,
            finding.objective,
            f"{sign} {finding.limit:g}",
            _number(finding.measured),
            verdict if finding.measured is not None else "[bold red]no requests[/]",
        )
    return table


def steps_table(steps: Sequence[Step], knee: Step | None) -> Table:
    """Returns a row per step, the knee marked."""
    table = Table(title="Steps", title_justify="left")
    for name in ("users", "answers per second", "mean ms", "p95 ms"):
        table.add_column(name, justify="right")
    table.add_column("")
    for step in steps:
        figures = (step.requests_per_s, step.mean_ms, step.p95_ms)
        mark = "knee" if step is knee else ""
        table.add_row(str(step.users), *map(_number, figures), mark)
    return table


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
