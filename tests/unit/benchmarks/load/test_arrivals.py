"""Schedules have the rate that was asked for, and the shape of what they stand for."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from benchmarks.load.arrivals import from_trace, poisson, read_trace

HEADER = "arrival_s,input_tokens,output_tokens\n"


def variation_of_gaps(times_s: list[float]) -> float:
    gaps = np.diff(times_s)
    return float(gaps.std() / gaps.mean())


def a_trace(folder: Path, arrivals_s: list[float]) -> Path:
    path = folder / "trace.csv"
    path.write_text(HEADER + "".join(f"{time_s},10,2\n" for time_s in arrivals_s))
    return path


def test_poisson_arrivals_have_the_rate_and_lie_in_order_within_the_duration() -> None:
    times = poisson(200.0, duration_s=100.0, seed=1)
    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] < 100.0
    # The count has a standard deviation of sqrt(20,000) = 141.
    assert len(times) == pytest.approx(20_000, abs=5 * 141)


def test_poisson_gaps_are_exponential() -> None:
    """An exponential has as much spread as mean, and falls under its mean with 1 - 1/e."""
    times = poisson(200.0, duration_s=100.0, seed=2)
    gaps = np.diff(times)
    assert variation_of_gaps(times) == pytest.approx(1.0, abs=0.05)
    assert (gaps < gaps.mean()).mean() == pytest.approx(1 - 1 / np.e, abs=0.02)


def test_a_seed_gives_the_same_schedule_again_and_another_seed_another() -> None:
    first = poisson(50.0, duration_s=2.0, seed=7)
    assert first == poisson(50.0, duration_s=2.0, seed=7)
    assert first != poisson(50.0, duration_s=2.0, seed=8)


@pytest.mark.parametrize(("rate_per_s", "duration_s"), [(0.0, 1.0), (1.0, 0.0), (-1.0, 1.0)])
def test_no_rate_and_no_duration_are_refused(
    rate_per_s: float, duration_s: float, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="above zero"):
        poisson(rate_per_s, duration_s=duration_s, seed=0)
    with pytest.raises(ValueError, match="above zero"):
        from_trace(a_trace(tmp_path, [0, 1, 2]), rate_per_s=rate_per_s, duration_s=duration_s)


def test_a_trace_is_scaled_to_the_rate_with_its_proportions_kept(tmp_path: Path) -> None:
    path = a_trace(tmp_path, [5.0, 6.0, 6.5, 9.0, 13.0])
    assert from_trace(path, rate_per_s=2.0, duration_s=2.0) == pytest.approx([0, 0.25, 0.375, 1.0])


def test_a_trace_can_begin_later_and_starts_over_where_it_ends(tmp_path: Path) -> None:
    path = a_trace(tmp_path, [0.0, 1.0, 3.0])
    # The pause before the second lap is the mean gap of 1.5 s: 1, 3, 4.5, 5.5 become 0, 2, 3.5.
    times = from_trace(path, rate_per_s=1.0, duration_s=3.0, skip=1)
    assert times == pytest.approx([0.0, 2.0 * 3 / 4.5, 3.5 * 3 / 4.5])


def test_a_compressed_trace_reads_the_same(tmp_path: Path) -> None:
    text = HEADER + "1.5,20,3\n0.5,10,2\n"
    (tmp_path / "a.csv").write_text(text)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(text.encode()))
    plain = read_trace(tmp_path / "a.csv")
    assert plain == read_trace(tmp_path / "a.csv.gz")
    assert plain == [(0.5, 10, 2), (1.5, 20, 3)]


@pytest.mark.parametrize(
    ("text", "message"),
    [("arrival_s,input_tokens\n1,2\n", "no column output_tokens"), (HEADER, "no request")],
)
def test_a_file_that_is_no_trace_says_what_it_lacks(
    text: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_trace(tmp_path / "a.csv")


def test_requests_that_all_arrive_at_once_cannot_be_scaled(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at once"):
        from_trace(a_trace(tmp_path, [1.0] * 9), rate_per_s=2.0, duration_s=1.0)


def test_real_arrivals_are_burstier_than_random_ones(shared_data: Path) -> None:
    path = shared_data / "azure_llm_2023_code" / "trace.csv"
    times = from_trace(path, rate_per_s=100.0, duration_s=40.0)
    assert len(times) == 4000
    assert times[-1] < 40.0
    assert variation_of_gaps(times) > 3
