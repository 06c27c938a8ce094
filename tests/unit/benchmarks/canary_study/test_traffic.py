"""Simulated traffic is what it claims to be, and the same for the same seed."""

import numpy as np
import pytest

from benchmarks.canary_study.traffic import (
    LOOK_REQUESTS,
    LOOK_S,
    Scenario,
    Traffic,
    simulate,
)


def runs_of(scenario: Scenario, *, runs: int = 20, ratio: float = 4.0) -> list[Traffic]:
    return list(simulate(scenario, runs=runs, looks=10, baseline_ratio=ratio, seed=1))


def logs(runs: list[Traffic], *, canary: bool, metric: str = "total_ms") -> np.ndarray:
    values = np.concatenate([one.values[metric][one.canary == canary] for one in runs])
    return np.log(values[np.isfinite(values)])


@pytest.mark.parametrize("dependence", ["none", "load", "replica", "drift", "users"])
def test_an_equal_canary_has_the_times_of_its_baseline(dependence: str) -> None:
    runs = runs_of(Scenario("equal", dependence=dependence), runs=60)  # type: ignore[arg-type]
    mine, theirs = logs(runs, canary=True), logs(runs, canary=False)
    assert mine.mean() == pytest.approx(theirs.mean(), abs=0.06)
    assert mine.std() == pytest.approx(theirs.std(), rel=0.05)
    if dependence != "drift":
        assert theirs.std() == pytest.approx(0.6, rel=0.05)


@pytest.mark.parametrize("ratio", [1.0, 4.0])
def test_arms_have_their_shares(ratio: float) -> None:
    runs = runs_of(Scenario("equal"), ratio=ratio)
    requests = 20 * 10 * LOOK_REQUESTS
    mine = sum(one.canary.sum() for one in runs)
    both = sum(one.canary.size for one in runs)
    assert mine / requests == pytest.approx(0.1, rel=0.05)
    assert both / requests == pytest.approx(0.1 * (1 + ratio), rel=0.05)
    assert all((np.diff(one.at_s) > 0).all() and one.at_s[-1] < 10 * LOOK_S for one in runs)


def test_a_worse_canary_is_as_much_worse_as_is_said() -> None:
    scenario = Scenario("worse", slower=1.25, sigma=0.9, shares={"error": 0.05})
    runs = runs_of(scenario, runs=60)
    mine, theirs = logs(runs, canary=True), logs(runs, canary=False)
    assert mine.mean() - theirs.mean() == pytest.approx(np.log(1.25), abs=0.03)
    assert (mine.std(), theirs.std()) == pytest.approx((0.9, 0.6), rel=0.03)
    errors = {
        canary: np.concatenate([one.values["error"][one.canary == canary] for one in runs]).mean()
        for canary in (True, False)
    }
    assert errors[True] == pytest.approx(0.05, rel=0.1)
    assert errors[False] == pytest.approx(0.01, rel=0.1)


def test_a_failed_request_has_no_time_and_a_blind_baseline_no_errors() -> None:
    run = runs_of(Scenario("blind", shares={"error": 0.5}, blind="error"), runs=1)[0]
    assert np.isnan(run.values["error"][~run.canary]).all()
    assert np.isfinite(run.values["error"][run.canary]).all()
    failed = run.canary & (run.values["error"] > 0)
    assert np.isnan(run.values["total_ms"][failed]).all()


def neighbours(run: Traffic, *, canary: bool) -> float:
    """The correlation of one request's time with the next one's of the same arm."""
    values = np.log(run.values["total_ms"][run.canary == canary])
    kept = np.isfinite(values[1:]) & np.isfinite(values[:-1])
    return float(np.corrcoef(values[1:][kept], values[:-1][kept])[0, 1])


@pytest.mark.parametrize(
    ("dependence", "low", "high"), [("none", -0.1, 0.1), ("load", 0.7, 0.9), ("replica", 0.4, 0.9)]
)
def test_times_depend_on_the_time_before(dependence: str, low: float, high: float) -> None:
    runs = runs_of(Scenario("equal", dependence=dependence))  # type: ignore[arg-type]
    assert low < np.mean([neighbours(run, canary=False) for run in runs]) < high


def test_users_keep_their_arm_and_their_speed() -> None:
    run = runs_of(Scenario("equal", dependence="users"), runs=1, ratio=9.0)[0]
    assert set(run.callers[run.canary]).isdisjoint(run.callers[~run.canary])
    busy = np.bincount(run.callers).argmax()
    spread = np.nanstd(np.log(run.values["total_ms"][run.callers == busy]))
    assert spread < 0.55


def test_a_seed_gives_the_same_runs_whatever_their_number() -> None:
    scenario = Scenario("equal", dependence="load")
    some, more = runs_of(scenario, runs=2), runs_of(scenario, runs=2)
    for one, two in zip(some, more, strict=True):
        assert np.array_equal(one.canary, two.canary)
        assert np.array_equal(one.values["total_ms"], two.values["total_ms"], equal_nan=True)
    assert not np.array_equal(some[0].canary, some[1].canary)
