"""The picture: latency and goodput against load, a column per workload, a line per batcher."""

from pathlib import Path
from typing import Any

from benchmarks.load.output import figure

_TOLD_RATIO = 0.01
"""A point at which more than this part of the requests got no answer is drawn hollow."""


def draw(workloads: list[dict[str, Any]], path: Path) -> None:
    """Writes a PNG of the results of `python -m benchmarks.batching`."""
    from matplotlib.ticker import LogFormatter

    with figure(path, rows=2, columns=len(workloads)) as panels:
        for column, workload in enumerate(workloads):
            latency, goodput = panels[column], panels[column + len(workloads)]
            contenders = list(dict.fromkeys(point["batcher"] for point in workload["points"]))
            for number, name in enumerate(contenders):
                points = [one for one in workload["points"] if one["batcher"] == name]
                _draw_latency(latency, points, name, f"C{number}")
                loads = [one["load_percent"] for one in points]
                rates = [one["goodput_per_s"] for one in points]
                goodput.plot(loads, rates, "o-", color=f"C{number}")
            latency.set_yscale("log")
            latency.yaxis.set_major_formatter("{x:g}")
            latency.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(1.5, 0.5)))
            goodput.set_ylim(bottom=0)
            latency.set_title(f"{workload['name']} ({workload['capacity_per_s']:.0f}/s)")
            latency.axhline(workload["slo_ms"], color="0.6", linewidth=1, linestyle=":")
            for panel in (latency, goodput):
                panel.axvline(100, color="0.6", linewidth=1, linestyle=":")
                panel.set_xlabel("load, % of what full batches give")
        panels[0].set_ylabel("latency, ms: p50 solid, p95 dashed\n(hollow: over 1 % unanswered)")
        panels[len(workloads)].set_ylabel("answers in time per second")
        panels[0].legend(fontsize="small")


def _draw_latency(panel: Any, points: list[dict[str, Any]], name: str, colour: str) -> None:
    for percentile, line in (("p50", "-"), ("p95", "--")):
        drawn = [point for point in points if point[f"{percentile}_ms"] is not None]
        loads = [one["load_percent"] for one in drawn]
        values = [one[f"{percentile}_ms"] for one in drawn]
        label = name if percentile == "p50" else None
        panel.plot(loads, values, line, color=colour, label=label)
        lows = [one[f"{percentile}_ci95_ms"][0] for one in drawn]
        highs = [one[f"{percentile}_ci95_ms"][1] for one in drawn]
        panel.fill_between(loads, lows, highs, color=colour, alpha=0.15, linewidth=0)
        for one, load, value in zip(drawn, loads, values, strict=True):
            told = 1 - one["ok"] / one["count"] > _TOLD_RATIO
            panel.plot(load, value, "o", color=colour, fillstyle="none" if told else "full")
