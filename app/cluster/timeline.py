"""What a long command does, step by step, and for how long: measured once, shown in many ways."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class StepState(StrEnum):
    """How far a step is."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True)
class Step:
    """One thing to wait for."""

    name: str
    state: StepState = StepState.WAITING
    detail: str = ""
    started_s: float | None = None
    ended_s: float | None = None


class Timeline:
    """The steps of one command, in the order in which they were announced.

    Args:
        on_change: Called with a step each time its state or detail changed.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        on_change: Callable[[Step], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._on_change = on_change
        self._clock = clock
        self._steps: dict[str, Step] = {}
        self._began_s = clock()

    def steps(self) -> list[Step]:
        return list(self._steps.values())

    def waiting(self, *names: str) -> None:
        """Announces steps, so that they are shown before they begin; a known one stays as it is."""
        for name in names:
            self._put(self._steps.get(name, Step(name)))

    def starting(self, name: str, detail: str = "") -> None:
        """Says that a step has begun, or what it is doing now."""
        step = self._steps.get(name, Step(name))
        started_s = self._clock() if step.started_s is None else step.started_s
        self._put(Step(name, StepState.STARTING, detail, started_s))

    def ready(self, name: str, detail: str = "") -> None:
        self._end(name, StepState.READY, detail)

    def failed(self, name: str, detail: str = "") -> None:
        self._end(name, StepState.FAILED, detail)

    def seconds(self, step: Step) -> float:
        """Returns how long a step has taken so far, 0 before it began."""
        if step.started_s is None:
            return 0.0
        return (self._clock() if step.ended_s is None else step.ended_s) - step.started_s

    def elapsed_s(self) -> float:
        return self._clock() - self._began_s

    def _end(self, name: str, state: StepState, detail: str) -> None:
        step = self._steps.get(name, Step(name))
        now_s = self._clock() if step.state != state or step.ended_s is None else step.ended_s
        started_s = now_s if step.started_s is None else step.started_s
        self._put(Step(name, state, detail, started_s, now_s))

    def _put(self, step: Step) -> None:
        before = self._steps.get(step.name)
        self._steps[step.name] = step
        if step != before and self._on_change is not None:
            self._on_change(step)
