"""How a comparison looks: a table on the terminal, and bars in a picture."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.table import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def comparison_table(title: str, found: Mapping[str, Any]) -> Table:
    """Returns a row per contender of one workload, as `rounds.tabulate` gives it."""
    table = Table(title=title, title_justify="left")
    table.add_column("contender")
    for name in ("per second", "p50 ms", "p95 ms", "not ok", "service : it"):
        table.add_column(name, justify="right")
    for name, figures in found["contenders"].items():
        compared = found["service_compared_with"].get(name)
        table.add_row(
            name,
            f"{figures['requests_per_s']:.1f}",
            _number(figures["p50_ms"]),
            _number(figures["p95_ms"]),
            str(figures["refused"] + figures["failed"]),
            _span(compared["rate_ratio"]) if compared else "",
        )
    return table


def draw_rates(panel: "Axes", title: str, found: Mapping[str, Any]) -> None:
    """Draws the requests per second of one workload as bars, the best at the top."""
    rates = {name: one["requests_per_s"] for name, one in found["contenders"].items()}
    names = sorted(rates, key=lambda name: rates[name])
    # The same contender has the same colour in every panel.
    colours = {name: f"C{place % 6}" for place, name in enumerate(rates)}
    bars = panel.barh(
        names, [rates[name] for name in names], color=[colours[name] for name in names]
    )
    panel.bar_label(bars, fmt="%.3g", padding=3)
    panel.margins(x=0.15)
    panel.grid(visible=False, axis="y")
    panel.set_title(title)
    panel.set_xlabel("requests per second")


def _span(ratio: Mapping[str, float] | None) -> str:
    if ratio is None:
        return "-"
    return f"{ratio['median']:.2f} ({ratio['lowest']:.2f} to {ratio['highest']:.2f})"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
