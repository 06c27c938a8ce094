"""Figures of made-up answers that can be worked out by hand."""

import pytest

from benchmarks.generation_study.client import Answer, Run
from benchmarks.generation_study.figures import (
    Figures,
    failures_of,
    figures_of,
    median_figures,
    paired,
    values_of,
)


def _answer(sent_s: float, first_s: float, ended_s: float, tokens: int = 11) -> Answer:
    return Answer(sent_s, first_s, ended_s, prompt_tokens=60, completion_tokens=tokens, events=6)


def test_times_and_rates() -> None:
    run = Run([_answer(0.0, 0.1, 1.1), _answer(1.1, 1.3, 2.2)], client_cpu_s=0.22)
    run.server_cpu_s = {"engine": 2.2}
    figures = figures_of(run)
    assert figures["ttft_p50_ms"] == pytest.approx(150.0)
    assert figures["tpot_p50_ms"] == pytest.approx(95.0)
    assert figures["e2e_p50_ms"] == pytest.approx(1100.0)
    assert figures["tokens_per_s"] == pytest.approx(22 / 2.2)
    assert figures["client_cores"] == pytest.approx(0.1)
    assert figures["engine_cpu_us_per_token"] == pytest.approx(1e5)


def test_answer_of_one_token_has_no_division_by_zero() -> None:
    assert figures_of(Run([_answer(0.0, 0.1, 0.1, tokens=1)]))["tpot_p50_ms"] == 0.0


def test_run_without_answers_has_no_figures() -> None:
    figures = figures_of(Run(failures=["HTTP 503"]))
    assert (figures["answers"], figures["failed"]) == (0.0, 1.0)
    assert figures["ttft_p50_ms"] is None
    assert figures["tokens_per_s"] is None


def test_median_over_rounds_leaves_out_what_is_missing() -> None:
    rounds: list[Figures] = [
        {"answers": 3.0, "failed": 0.0, "tokens_per_s": 10.0},
        {"answers": 0.0, "failed": 2.0, "tokens_per_s": None},
        {"answers": 4.0, "failed": 0.0, "tokens_per_s": 30.0},
    ]
    assert median_figures(rounds) == {"answers": 7, "failed": 2, "tokens_per_s": 20.0}


def test_values_keep_the_place_of_a_round_without_answers() -> None:
    assert values_of([{"x": 1.23456}, {"x": None}], "x") == [1.235, None]


def test_pairs_are_compared_within_their_round() -> None:
    ours = [{"x": 9.0}, {"x": 16.0}, {"x": 30.0}]
    theirs = [{"x": 10.0}, {"x": 20.0}, {"x": 30.0}]
    assert paired(ours, theirs, "x", ratio=True) == {"median": 0.9, "lowest": 0.8, "highest": 1.0}
    assert paired(ours, theirs, "x", ratio=False) == {
        "median": -1.0,
        "lowest": -4.0,
        "highest": 0.0,
    }


@pytest.mark.parametrize("ratio", [True, False])
def test_round_without_answers_gives_no_comparison(ratio: bool) -> None:
    assert paired([{"x": 1.0}, {"x": None}], [{"x": 1.0}, {"x": 2.0}], "x", ratio=ratio) is None


def test_failures_are_counted_by_what_they_say() -> None:
    runs = [Run(failures=["a", "b"]), Run(failures=["a"])]
    assert failures_of(runs) == {"a": 2, "b": 1}
