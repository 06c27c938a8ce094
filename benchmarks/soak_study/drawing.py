"""The picture: memory and open files of the largest processes, and the p95 of each minute."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.load.output import figure
from benchmarks.soak_study.processes import Holding

_LARGEST = 8


def draw(
    looks: Sequence[tuple[float, Sequence[Holding]]],
    minutes: Sequence[dict[str, float]],
    path: Path,
) -> None:
    """Writes a PNG of the results of `python -m benchmarks.soak`."""
    series: dict[str, list[tuple[float, Holding]]] = defaultdict(list)
    for at_s, holdings in looks:
        for holding in holdings:
            series[holding.name].append((at_s / 60, holding))
    largest = sorted(series, key=lambda name: -series[name][-1][1].memory_mib)[:_LARGEST]
    with figure(path, rows=1, columns=3) as (memory, files, latency):
        for name in largest:
            _line(memory, series[name], "memory_mib", name)
            _line(files, series[name], "files", name)
        memory.set_ylabel("memory that belongs to no file, MiB")
        memory.legend(fontsize="x-small")
        files.set_ylabel("open files")
        latency.plot([one["minute"] for one in minutes], [one["p95_ms"] for one in minutes])
        latency.set_ylabel("p95, ms")
        for panel in (memory, files, latency):
            panel.set_xlabel("minutes")
            panel.set_ylim(bottom=0)


def _line(panel: Any, points: Sequence[tuple[float, Holding]], what: str, name: str) -> None:
    panel.plot([at for at, _ in points], [getattr(one, what) for _, one in points], label=name)
