"""What a service does with more than it can serve: requests come whether it answers or not."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table

from benchmarks.comparison.contenders import HttpContender
from benchmarks.load.arrivals import poisson
from benchmarks.load.driver import open_loop
from benchmarks.load.summary import summarise

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FACTORS = (0.5, 0.8, 1.0, 1.5, 2.0, 3.0)
"""Load, as a multiple of what was measured as the most that is answered."""


async def measure_overload(
    contender: HttpContender,
    path: str,
    bodies: Sequence[bytes],
    *,
    capacity_per_s: float,
    duration_s: float,
    slo_ms: float,
    seed: int,
    on_done: Callable[[str], None],
) -> list[dict[str, Any]]:
    """Returns the figures at each multiple of the capacity, ascending.

    Args:
        contender: Who is put under load.
        path: What is asked.
        bodies: Sent in turn.
        capacity_per_s: Requests per second that count as 1.
        duration_s: Length of each schedule; what is not answered 30 s after it has failed.
        slo_ms: Longest latency of a good answer.
        seed: Of the arrivals.
        on_done: Called after each multiple with what comes next.
    """
    found = []
    async with contender.target() as target:
        for place, factor in enumerate(FACTORS):
            arrivals_s = poisson(factor * capacity_per_s, duration_s=duration_s, seed=seed + place)
            samples = await open_loop(
                lambda index: target.post(path, bodies[index % len(bodies)]), arrivals_s
            )
            figures = summarise(samples, duration_s=duration_s, slo_ms=slo_ms)
            found.append(
                {
                    "factor": factor,
                    "offered_per_s": round(len(arrivals_s) / duration_s, 2),
                    "refused_ratio": round(figures["refused"] / max(figures["count"], 1), 4),
                    **figures,
                }
            )
            on_done(label(FACTORS[place + 1]) if place + 1 < len(FACTORS) else "done")
    return found


def label(factor: float) -> str:
    """Returns what a progress bar says of a load."""
    return f"overload: {factor:g} times the capacity"


def overload_table(found: Sequence[Mapping[str, Any]]) -> Table:
    """Returns a row per load."""
    table = Table(title="Open loop, Poisson arrivals", title_justify="left")
    columns = {
        "times capacity": "factor",
        "offered/s": "offered_per_s",
        "good/s": "goodput_per_s",
        "ok p95 ms": "p95_ms",
        "refused": "refused_ratio",
        "refused p50 ms": "refused_p50_ms",
        "refused p95 ms": "refused_p95_ms",
        "failed": "failed",
    }
    for name in columns:
        table.add_column(name, justify="right")
    for one in found:
        values = (one[key] for key in columns.values())
        table.add_row(*("-" if value is None else f"{value:.4g}" for value in values))
    return table


def draw_overload(panel: "Axes", found: Sequence[Mapping[str, Any]]) -> None:
    """Draws how much was asked for, answered in time, and refused at each load."""
    factors = [one["factor"] for one in found]
    offered = [one["offered_per_s"] for one in found]
    refused = [one["offered_per_s"] * one["refused_ratio"] for one in found]
    panel.plot(factors, offered, color="0.6", linestyle="--", label="offered")
    panel.plot(factors, [one["goodput_per_s"] for one in found], marker="o", label="good")
    panel.plot(factors, refused, marker="s", label="refused")
    panel.set_title(f"Answers within {found[0]['slo_ms']:g} ms")
    panel.set_xlabel("load, times the capacity")
    panel.set_ylabel("requests per second")
    panel.legend()


def draw_refusals(panel: "Axes", found: Sequence[Mapping[str, Any]]) -> None:
    """Draws how long answers and refusals took at each load."""
    refusing = [one for one in found if one["refused_p95_ms"] is not None]
    answering = [one for one in found if one["p95_ms"] is not None]
    panel.plot(
        [one["factor"] for one in answering],
        [one["p95_ms"] for one in answering],
        marker="o",
        label="answers",
    )
    panel.plot(
        [one["factor"] for one in refusing],
        [one["refused_p95_ms"] for one in refusing],
        marker="s",
        label="refusals",
    )
    panel.set_yscale("log")
    panel.set_title("95 of 100 came within")
    panel.set_xlabel("load, times the capacity")
    panel.set_ylabel("ms")
    panel.legend()
