"""Turns: everybody meets every workload, and nobody else runs meanwhile."""

import pytest

from benchmarks.comparison.contenders import Workload
from benchmarks.comparison.rounds import Runs, Window, plan_turns, tabulate, take_turns
from benchmarks.load.driver import Sample

LIGHT = Workload("light", "/a", (b"{}",), 1)
HEAVY = Workload("heavy", "/b", (b"{}",), 8)


class Runner:
    """Runs when it is thawed, and notes what it was asked."""

    def __init__(self, name: str, log: list[str], *, wave_s: float = 0.1) -> None:
        self.name = name
        self.running = True
        self._log = log
        self._wave_s = wave_s
        self.windows: list[tuple[float, float]] = []

    def freeze(self) -> None:
        self.running = False

    def thaw(self) -> None:
        self.running = True

    async def time_wave(self, workload: Workload) -> float:
        return self._wave_s

    async def measure(
        self, workload: Workload, *, duration_s: float, warmup_s: float
    ) -> list[Sample]:
        assert self.running
        self._log.append(f"{workload.name} {self.name}")
        self.windows.append((warmup_s, duration_s))
        return [Sample(0.0, 0.0, 0.5, "ok")] * workload.concurrency


def test_who_is_first_changes_by_round() -> None:
    a, b = Runner("a", []), Runner("b", [])
    turns = plan_turns([a, b], [LIGHT, HEAVY], rounds=2)
    assert [turn.label for turn in turns] == [
        *("light: a", "light: b", "heavy: a", "heavy: b"),
        *("light: b", "light: a", "heavy: b", "heavy: a"),
    ]


async def test_only_the_measured_one_runs() -> None:
    log: list[str] = []

    class Lonely(Runner):
        async def measure(
            self, workload: Workload, *, duration_s: float, warmup_s: float
        ) -> list[Sample]:
            assert [one.name for one in runners if one.running] == [self.name]
            return await super().measure(workload, duration_s=duration_s, warmup_s=warmup_s)

    runners = [Lonely("a", log), Lonely("b", log), Lonely("c", log)]
    told: list[str] = []
    measured = await take_turns(
        plan_turns(runners, [LIGHT], rounds=2), window=Window(0.0, 1.0), on_done=told.append
    )
    assert log == ["light a", "light b", "light c", "light b", "light c", "light a"]
    assert told == ["light: b", "light: c", "light: b", "light: c", "light: a", "done"]
    assert {name: len(runs.samples) for name, runs in measured["light"].items()} == {
        "a": 2,
        "b": 2,
        "c": 2,
    }
    assert all(runner.running for runner in runners)


async def test_everybody_runs_again_after_an_error() -> None:
    class Broken(Runner):
        async def measure(
            self, workload: Workload, *, duration_s: float, warmup_s: float
        ) -> list[Sample]:
            raise ConnectionError

    runners = [Runner("a", []), Broken("b", [])]
    turns = plan_turns(runners, [LIGHT], rounds=1)
    with pytest.raises(ConnectionError):
        await take_turns(turns, window=Window(0.0, 1.0), on_done=lambda label: None)
    assert all(runner.running for runner in runners)


async def test_slow_contender_gets_a_window_that_holds_its_waves() -> None:
    quick, slow = Runner("quick", [], wave_s=0.1), Runner("slow", [], wave_s=5.0)
    turns = plan_turns([quick, slow], [HEAVY], rounds=1)
    await take_turns(turns, window=Window(1.0, 2.0), on_done=lambda label: None)
    assert quick.windows == [(1.0, 2.0)]
    assert slow.windows == [(5.0, 20.0)]


def make_runs(*counts: int) -> Runs:
    return Runs(Window(0.0, 2.0), [[Sample(0.0, 0.0, 1.0, "ok")] * count for count in counts])


def test_ratio_is_the_median_of_the_rounds() -> None:
    found = tabulate(
        {"service": make_runs(10, 30, 40), "peer": make_runs(10, 10, 10)}, service="service"
    )
    assert found["contenders"]["service"]["requests_per_s"] == pytest.approx(13.33, abs=0.01)
    assert found["contenders"]["peer"]["window_s"] == 2.0
    assert found["service_compared_with"] == {
        "peer": {
            "rate_ratio": {"median": 3.0, "lowest": 1.0, "highest": 4.0},
            "p50_ratio": {"median": 1.0, "lowest": 1.0, "highest": 1.0},
        }
    }


def test_round_without_answers_has_no_ratio() -> None:
    found = tabulate({"service": make_runs(10, 10), "peer": make_runs(10, 0)}, service="service")
    assert found["service_compared_with"]["peer"] == {"rate_ratio": None, "p50_ratio": None}
