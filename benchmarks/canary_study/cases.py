"""What is simulated, and what our rule must make of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from benchmarks.canary_study.traffic import LOOKS, Scenario
from deployments.canary.policy import Policy

Figure = Literal["rolled_back", "promoted", "requests_to_roll_back", "insufficient"]

_NAMES: dict[Figure, str] = {
    "rolled_back": "rolled back",
    "promoted": "promoted",
    "requests_to_roll_back": "median of requests",
    "insufficient": "insufficient",
}
_LONG = 200
_EQUAL_RATIO = 1.0
"""A baseline of the canary's size: the other one's is four times that."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure that our rule must reach, of at least so many runs: fewer cannot tell.

    Args:
        figure: Share of the runs; for `requests_to_roll_back` the median of all runs; for
            `insufficient` the share of runs in which that is the last verdict on `metric`.
        runs: Fewest runs.
        at_most: Upper limit.
        at_least: Lower limit.
        metric: See `figure`.
    """

    figure: Figure
    runs: int
    at_most: float | None = None
    at_least: float | None = None
    metric: str = ""

    def met(self, found: Mapping[str, Any]) -> bool | None:
        """Returns whether the runs reach the goal, None where they are too few."""
        if found["runs"] < self.runs:
            return None
        value = found[self.figure]
        if self.figure == "requests_to_roll_back":
            value = value["median"]
        elif self.figure == "insufficient":
            value = value.get(self.metric, 0) / found["runs"]
        if value is None:
            return False
        return (self.at_most is None or value <= self.at_most) and (
            self.at_least is None or value >= self.at_least
        )

    def __str__(self) -> str:
        limit = self.at_most if self.at_most is not None else self.at_least
        sign = "<=" if self.at_most is not None else ">="
        value = f"{limit:.0f}" if self.figure == "requests_to_roll_back" else f"{limit:.0%}"
        return f"{self.metric} {_NAMES[self.figure]} {sign} {value}".lstrip()


@dataclass(frozen=True, slots=True)
class Case:
    """A scenario and what is expected of our rule.

    Args:
        scenario: What is simulated.
        goals: What must come of it; none where it is only shown.
        promotes: Whether a canary that has shown enough is promoted; where not, it goes on.
        looks: How many there are.
        baseline_ratio: Size of the baseline, in sizes of the canary.
        part: Our rule gets the runs divided by this: rare errors take many.
        others: Whether the other rules judge it as well.
        min_ratings: Ratings of each arm that the policy waits for.
    """

    scenario: Scenario
    goals: tuple[Goal, ...]
    promotes: bool = False
    looks: int = LOOKS
    baseline_ratio: float = Policy().baseline_ratio
    part: int = 1
    others: bool = True
    min_ratings: int | None = None


_QUIET = (Goal("rolled_back", runs=1000, at_most=0.01),)
_QUIET_TOO = (Goal("rolled_back", runs=200, at_most=Policy().max_false_alarms),)
_CAUGHT = Goal("rolled_back", runs=100, at_least=0.9)
_LET_THROUGH = Goal("promoted", runs=100, at_least=0.85)
_FEW_WRONG = (Goal("promoted", runs=100, at_most=Policy().max_false_promotions),)


def _soon(requests: int) -> tuple[Goal, Goal]:
    return _CAUGHT, Goal("requests_to_roll_back", runs=100, at_most=requests)


_EQUAL = Scenario("as good as stable")
_USERS = Scenario("as good, 400 users", dependence="users")
_SLOWER = Scenario("25 % slower", slower=1.25)
_LIKED_LESS = Scenario("liked by 75 %, stable by 90 %", rated=0.5, liked=0.75)
_LIKED_AS_MUCH = Scenario("both liked by 90 %", rated=0.5)
_FAILING = Scenario("errors 1 % to 5 %", shares={"error": 0.05})

CASES: tuple[Case, ...] = (
    Case(_EQUAL, _QUIET),
    Case(Scenario("as good, load AR(1)", dependence="load"), _QUIET),
    Case(Scenario("as good, replicas AR(1)", dependence="replica"), _QUIET),
    Case(_USERS, _QUIET),
    Case(Scenario("as good, common drift", dependence="drift"), _QUIET_TOO, part=5),
    Case(_EQUAL, _QUIET_TOO, baseline_ratio=_EQUAL_RATIO, part=5, others=False),
    Case(_USERS, _QUIET_TOO, baseline_ratio=_EQUAL_RATIO, part=5, others=False),
    Case(_SLOWER, _soon(120), promotes=True),
    Case(_FAILING, _soon(400), promotes=True, part=5),
    Case(
        Scenario("errors none to 3 %", shares={"error": 0.03}, stable_shares={"error": 0.0}),
        (_CAUGHT,),
        promotes=True,
        part=5,
    ),
    Case(Scenario("same median, wider", sigma=0.9), (_CAUGHT,), promotes=True, part=5),
    Case(_SLOWER, (), promotes=True, baseline_ratio=_EQUAL_RATIO, part=5, others=False),
    Case(_FAILING, (), promotes=True, baseline_ratio=_EQUAL_RATIO, part=5, others=False),
    Case(
        Scenario("errors 5 %, stable's unknown", shares={"error": 0.05}, blind="error"),
        (
            Goal("promoted", runs=1, at_most=0.0),
            Goal("insufficient", runs=1, at_least=1.0, metric="error"),
        ),
        promotes=True,
        part=5,
    ),
    Case(
        _EQUAL,
        (_LET_THROUGH,),
        promotes=True,
        looks=_LONG,
        part=10,
        others=False,
    ),
    Case(
        Scenario("20 % faster", slower=0.8),
        (_LET_THROUGH,),
        promotes=True,
        looks=_LONG,
        part=10,
        others=False,
    ),
    Case(
        Scenario("10 % slower, at the margin", slower=1.1),
        _FEW_WRONG,
        promotes=True,
        part=5,
        others=False,
    ),
    Case(
        Scenario("errors 1 % to 2 %, at the margin", shares={"error": 0.02}),
        _FEW_WRONG,
        promotes=True,
        looks=_LONG,
        part=10,
        others=False,
    ),
    Case(_LIKED_AS_MUCH, _QUIET, others=False),
    Case(_LIKED_LESS, (_CAUGHT,), part=5, others=False),
    Case(
        _LIKED_LESS,
        (_CAUGHT, *_FEW_WRONG),
        promotes=True,
        looks=_LONG,
        part=10,
        others=False,
        min_ratings=150,
    ),
    Case(
        _LIKED_AS_MUCH,
        (_LET_THROUGH,),
        promotes=True,
        looks=_LONG,
        part=10,
        others=False,
        min_ratings=150,
    ),
)
