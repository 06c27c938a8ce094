"""Steps and their times, by a clock that is set by hand."""

from app.cluster.timeline import Step, StepState, Timeline


class HandClock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_a_step_lasts_from_its_start_to_its_end() -> None:
    clock = HandClock()
    timeline = Timeline(clock=clock)
    timeline.waiting("ray")
    timeline.starting("ray")
    clock.now_s += 5
    timeline.starting("ray", "almost")
    clock.now_s += 2
    timeline.ready("ray")
    clock.now_s += 50
    [step] = timeline.steps()
    assert timeline.seconds(step) == 7
    assert timeline.elapsed_s() == 57


def test_saying_the_same_again_changes_nothing() -> None:
    clock = HandClock()
    changes: list[Step] = []
    timeline = Timeline(changes.append, clock)
    for _ in range(3):
        timeline.ready("gateway", "2/2")
        timeline.waiting("gateway")
        clock.now_s += 1
    assert [step.state for step in changes] == [StepState.READY]


def test_a_step_that_has_not_begun_took_no_time() -> None:
    timeline = Timeline(clock=HandClock())
    timeline.waiting("mlflow")
    assert timeline.seconds(timeline.steps()[0]) == 0


def test_steps_keep_the_order_in_which_they_were_announced() -> None:
    timeline = Timeline()
    timeline.waiting("a", "b")
    timeline.ready("b")
    timeline.failed("a")
    assert [step.name for step in timeline.steps()] == ["a", "b"]
