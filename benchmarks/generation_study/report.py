"""How the figures of generation look: tables on the terminal, panels in a picture."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table

from benchmarks.generation_study.workload import Load

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def comparison_table(loads: Sequence[Mapping[str, Any]]) -> Table:
    """Returns a row per load and contender; `busy elsewhere` counts cores that worked for nobody
    who was measured."""
    table = Table(title="Streamed answers", title_justify="left")
    table.add_column("streams x tokens")
    table.add_column("server")
    for name in (
        "TTFT p50 ms",
        "p95",
        "TPOT p50 ms",
        "end p50 ms",
        "tokens/s",
        "share",
        "chunks",
        "not ok",
        "busy elsewhere",
    ):
        table.add_column(name, justify="right")
    for load in loads:
        for name, found in load["contenders"].items():
            share = load.get("share_of_tokens_per_s") if name == "ragserve" else None
            table.add_row(
                f"{load['concurrency']} x {load['max_tokens']}",
                name,
                *(_number(found[key]) for key in ("ttft_p50_ms", "ttft_p95_ms")),
                _number(found["tpot_p50_ms"], digits=2),
                *(_number(found[key]) for key in ("e2e_p50_ms", "tokens_per_s")),
                _span(share) if share else "",
                _number(found["chunks_per_answer"]),
                str(found["failed"]),
                _number(found["foreign_cores"], digits=2),
            )
    return table


def goal_sentences(
    loads: Sequence[Mapping[str, Any]], *, first_token: Load, goals: Mapping[str, float]
) -> list[str]:
    """Returns what became of the goals: what is added to the first token, and the lowest share of
    the bare server's tokens. Empty where only one server was measured.

    Args:
        loads: As the comparison gives them.
        first_token: The load that the first goal is for; the second is for all others.
        goals: `added_ttft_p50_ms` at most, `share_of_tokens_per_s` at least.
    """
    sentences = []
    shares = []
    for load in loads:
        added, share = load.get("added_ttft_p50_ms"), load.get("share_of_tokens_per_s")
        if Load(load["concurrency"], load["max_tokens"]) != first_token:
            shares += [share["median"]] if share else []
        elif added:
            sentences.append(
                f"Added to the first token: {added['median']:.1f} ms ({added['lowest']:.1f} to "
                f"{added['highest']:.1f}); the goal is {goals['added_ttft_p50_ms']:g} at most."
            )
    if shares:
        sentences.append(
            f"Lowest share of the bare server's tokens: {min(shares):.2f}; the goal is "
            f"{goals['share_of_tokens_per_s']:g} at least."
        )
    return sentences


def way_table(points: Sequence[Mapping[str, Any]]) -> Table:
    """Returns a row per window and pace of the way without an engine."""
    table = Table(title="The way without an engine", title_justify="left")
    for name in (
        "streams",
        "pace",
        "window ms",
        "tokens/s",
        "per core",
        "chunks/answer",
        "TTFT p50 ms",
        "not ok",
    ):
        table.add_column(name, justify="right")
    for point in points:
        table.add_row(
            str(point["concurrency"]),
            str(point["pace_tokens_per_s"] or "-"),
            f"{point['delta_window_ms']:g}",
            *(_number(point[key], digits=0) for key in ("tokens_per_s", "tokens_per_core_s")),
            *(_number(point[key]) for key in ("chunks_per_answer", "ttft_p50_ms")),
            str(point["failed"]),
        )
    return table


def draw_comparison(panel: "Axes", loads: Sequence[Mapping[str, Any]], figure: str) -> None:
    """Draws one figure of both servers as bars, a group per load."""
    names = list(loads[0]["contenders"])
    width = 0.8 / len(names)
    for place, name in enumerate(names):
        bars = panel.bar(
            [number + place * width for number in range(len(loads))],
            [load["contenders"][name][figure] or 0 for load in loads],
            width,
            label=name,
        )
        panel.bar_label(bars, fmt="{:,.0f}", padding=2, fontsize=8)
    panel.margins(y=0.1)
    panel.set_xticks(
        [number + width * (len(names) - 1) / 2 for number in range(len(loads))],
        [f"{load['concurrency']} x {load['max_tokens']}" for load in loads],
    )
    panel.set_xlabel("streams x tokens of an answer")
    panel.grid(visible=False, axis="x")


def draw_way(panel: "Axes", points: Sequence[Mapping[str, Any]]) -> None:
    """Draws the tokens per second and core of the way without an engine, by window."""
    windows = list(dict.fromkeys(point["delta_window_ms"] for point in points))
    width = 0.8 / len(windows)
    for place, window_ms in enumerate(windows):
        chosen = [point for point in points if point["delta_window_ms"] == window_ms]
        bars = panel.bar(
            [number + place * width for number in range(len(chosen))],
            [one["tokens_per_core_s"] or 0 for one in chosen],
            width,
            label=f"window {window_ms:g} ms",
        )
        panel.bar_label(bars, fmt="{:,.0f}", padding=2, fontsize=8)
    panel.margins(y=0.1)
    firsts = [point for point in points if point["delta_window_ms"] == windows[0]]
    panel.set_xticks(
        [number + width * (len(windows) - 1) / 2 for number in range(len(firsts))],
        [_pace(first) for first in firsts],
    )
    panel.set(
        xlabel="streams, and tokens/s of each",
        ylabel="tokens/s per core",
        title="The way without an engine",
        yscale="log",
    )
    panel.grid(visible=False, axis="x")
    panel.legend()


def _pace(point: Mapping[str, Any]) -> str:
    return f"{point['concurrency']}, {point['pace_tokens_per_s'] or 'no limit'}"


def _number(value: float | None, *, digits: int = 1) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _span(ratio: Mapping[str, float]) -> str:
    return f"{ratio['median']:.2f} ({ratio['lowest']:.2f} to {ratio['highest']:.2f})"
