"""How results are written and drawn, the same for every benchmark."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from benchmarks import environment

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_STYLE: dict[Any, Any] = {
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "0.9",
    "axes.axisbelow": True,
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "legend.frameon": False,
    # Distinct for colour-blind readers. Source: Okabe and Ito, "Color Universal Design" (2008).
    "axes.prop_cycle": (
        "cycler('color', ['0072B2', 'D55E00', 'E69F00', '009E73', 'CC79A7', '56B4E9'])"
    ),
}
_PANEL_INCHES = (5.0, 3.8)
_DOTS_PER_INCH = 130


def result_of(*, configuration: dict[str, Any], results: Any) -> dict[str, Any]:
    """Returns a whole result: where it was measured, with what settings, and the figures."""
    return {
        "environment": environment.describe(),
        "configuration": configuration,
        "results": results,
    }


def write_result(path: Path, result: dict[str, Any]) -> None:
    """Writes a result as JSON; a NaN in it is an error of the benchmark and raises ValueError."""
    path.write_text(json.dumps(result, indent=2, allow_nan=False) + "\n", encoding="utf-8")


@contextmanager
def progress(total: float, label: str) -> Iterator["Steps"]:
    """Shows a bar on stderr whose end is known, and the time that is left."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    # A redraw takes the time of many requests from whoever shares the core.
    bar = Progress(*columns, console=Console(stderr=True), refresh_per_second=2)
    with bar:
        yield Steps(bar, total, label)


class Steps:
    """A bar of equal steps."""

    def __init__(self, bar: Progress, total: float, label: str) -> None:
        self._bar = bar
        self._task = bar.add_task(label, total=total)

    def done(self, label: str | None = None, *, steps: int = 1) -> None:
        """Counts steps as done, and says what comes next."""
        self._bar.update(self._task, advance=steps, description=label)


@contextmanager
def figure(path: Path, *, rows: int = 1, columns: int = 1) -> Iterator[list["Axes"]]:
    """Gives the panels of a picture, row by row, and writes it to the path at the end."""
    # The package matplotlib comes with the extra `bench`; a run without a picture needs none.
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_STYLE):
        width, height = _PANEL_INCHES
        drawing: Figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
        FigureCanvasAgg(drawing)
        panels = drawing.subplots(rows, columns, squeeze=False)
        yield [panel for row in panels for panel in row]
        drawing.savefig(path, dpi=_DOTS_PER_INCH)
