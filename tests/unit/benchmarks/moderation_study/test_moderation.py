"""The study of moderation finds what it looks for, and would see a leak."""

import pytest

from benchmarks.moderation_study import streams
from benchmarks.moderation_study.cost import measure_cost, random_terms
from benchmarks.moderation_study.latency import measure_latency
from benchmarks.moderation_study.refusals import measure_refusals
from benchmarks.moderation_study.streams import measure_leaks

WORDS = ["alpha", "beta", "gamma", "delta", "be", "al", "gam"]


def test_nothing_leaks_and_nothing_is_lost() -> None:
    leaks = measure_leaks(WORDS, streams=300, seed=1)
    assert (leaks.leaked_chars, leaks.lost_chars) == (0, 0)
    assert leaks.with_term > 50


def test_a_stream_that_holds_nothing_is_seen_to_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "HeldText", lambda _checks: Sieve())
    assert measure_leaks(WORDS, streams=100, seed=1).leaked_chars > 0


class Sieve:
    """Lets everything through."""

    def feed(self, text: str) -> str:
        return text

    def finish(self) -> str:
        return ""


def test_more_terms_hold_more() -> None:
    text = " ".join(WORDS * 60)
    few = measure_cost(text, [], streams=2)
    many = measure_cost(text, random_terms(WORDS, 60, seed=2), streams=2)
    assert few["held_chars_mean"] == 0.0
    assert few["late_by_0_pct"] == 100.0
    assert many["held_chars_mean"] > 1.0
    assert many["built_s"] >= 0.0


def test_a_part_of_a_word_is_no_term() -> None:
    found = measure_refusals(["a pegboard", "a peg", "PEG!", "nothing"], ["peg"])
    assert found == {
        "texts": 4,
        "refused": 2,
        "refused_wrongly": 0,
        "missed": 0,
        "refused_by_parts_of_words": 3,
    }


async def test_a_reader_waits_for_what_is_held() -> None:
    text = "alpha beta gamma delta " * 40
    how = {"streams": 1, "answers": 1, "pieces": 12, "pieces_per_s": 25.0}
    free = await measure_latency(text, [], **how)  # type: ignore[arg-type]
    held = await measure_latency(text, ["alpha beta gamma delta"], **how)  # type: ignore[arg-type]
    # Its first 23 characters may become the term until another word follows: five pieces later.
    assert held["ttft_added_ms_p50"] >= 5 * 1e3 / 25 > free["ttft_added_ms_p50"]
    assert free["ttft_added_ms_p50"] <= free["ttft_added_ms_p99"]
    assert free["gap_added_ms_p50"] <= free["gap_added_ms_p99"]
