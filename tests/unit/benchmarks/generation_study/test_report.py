"""The tables say what was measured, and a picture is drawn of it."""

from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.generation_study.report import (
    comparison_table,
    draw_comparison,
    draw_way,
    goal_sentences,
    way_table,
)
from benchmarks.generation_study.workload import Load
from benchmarks.load.output import figure

_FIGURES: dict[str, Any] = {
    "ttft_p50_ms": 60.0,
    "ttft_p95_ms": None,
    "tpot_p50_ms": 18.25,
    "e2e_p50_ms": 2400.0,
    "tokens_per_s": 52.0,
    "chunks_per_answer": 131.0,
    "failed": 0,
    "foreign_cores": 0.1,
}
_LOADS = [
    {
        "concurrency": 1,
        "max_tokens": 128,
        "contenders": {"bare": _FIGURES, "ragserve": _FIGURES | {"tokens_per_s": 49.4}},
        "share_of_tokens_per_s": {"median": 0.95, "lowest": 0.91, "highest": 0.97},
    }
]
_WAY = [
    {
        "delta_window_ms": window_ms,
        "concurrency": 32,
        "pace_tokens_per_s": pace,
        "tokens_per_s": 1600.0,
        "tokens_per_core_s": 2800.0,
        "chunks_per_answer": 154.0,
        "ttft_p50_ms": 30.0,
        "failed": 0,
    }
    for window_ms in (0.0, 15.0)
    for pace in (None, 50)
]


def _shown(table: Any) -> str:
    console = Console(width=200)
    with console.capture() as captured:
        console.print(table)
    return captured.get()


def test_share_stands_in_our_row_alone() -> None:
    bare, ours = (
        line for line in _shown(comparison_table(_LOADS)).splitlines() if "1 x 128" in line
    )
    assert "0.95 (0.91 to 0.97)" in ours
    assert "0.95" not in bare
    assert "-" in bare  # no p95


def test_one_contender_alone_has_no_share() -> None:
    alone = [{**_LOADS[0], "contenders": {"bare": _FIGURES}}]
    assert "131.0" in _shown(comparison_table(alone))


def test_goals_are_told_for_their_loads() -> None:
    first = {
        "concurrency": 1,
        "max_tokens": 8,
        "added_ttft_p50_ms": {"median": 7.06, "lowest": 5.0, "highest": 9.0},
        "share_of_tokens_per_s": {"median": 0.5, "lowest": 0.5, "highest": 0.5},
    }
    goals = {"added_ttft_p50_ms": 8.0, "share_of_tokens_per_s": 0.9}
    added, share = goal_sentences([first, *_LOADS], first_token=Load(1, 8), goals=goals)
    assert "7.1 ms (5.0 to 9.0); the goal is 8" in added
    assert "0.95; the goal is 0.9" in share


def test_one_server_alone_has_no_goals() -> None:
    alone = [{"concurrency": 1, "max_tokens": 8}]
    assert goal_sentences(alone, first_token=Load(1, 8), goals={}) == []


def test_way_has_a_row_per_window_and_pace() -> None:
    shown = _shown(way_table(_WAY))
    assert shown.count("2800") == 4


def test_picture_is_drawn(tmp_path: Path) -> None:
    with figure(tmp_path / "p.png", columns=2) as (left, right):
        draw_comparison(left, _LOADS, "tokens_per_s")
        draw_way(right, _WAY)
        assert len(left.patches) == 2
        assert len(right.patches) == 4
    assert (tmp_path / "p.png").stat().st_size > 1000
