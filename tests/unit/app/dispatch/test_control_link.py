"""What an ingress replica tells the controller: everything once, whatever happens on the way."""

from dataclasses import replace
from typing import Any

import pytest

from app.dispatch.control_link import ControlLink
from app.releases.assignment import Assignment
from app.request.figures import FAILED
from deployments.canary.policy import Policy
from deployments.canary.rollout import Shares
from deployments.contracts.calls import CallContext
from deployments.contracts.errors import Unavailable
from deployments.rollouts import ActiveRollout, Report, TrafficPlan

ROLLOUT = ActiveRollout("r", "a", "b", 0, Shares(0.5, 0.5), 100.0, Policy(warm_up_s=0))


class Control:
    """A controller that remembers reports; `failure` is raised after it took one."""

    def __init__(self) -> None:
        self.plan = TrafficPlan(ROLLOUT)
        self.reports: list[Report] = []
        self.failure: Exception | None = None

    async def exchange(self, report: Report, *, call: CallContext) -> TrafficPlan:
        self.reports.append(report)
        if self.failure is not None:
            raise self.failure
        return self.plan

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"nobody asks for {name}")


@pytest.fixture
def control() -> Control:
    return Control()


@pytest.fixture
def link(control: Control) -> ControlLink:
    return ControlLink(control, lambda: {"a": 1.0}, replica="one", now_s=lambda: 200.0)


def assigned(rollout: ActiveRollout = ROLLOUT) -> Assignment:
    return Assignment("b", "someone", rollout, "canary")


def requests_of(report: Report) -> int:
    return report.evidence.requests.get("canary", 0) if report.evidence else 0


async def test_evidence_goes_out_with_the_next_report(link: ControlLink, control: Control) -> None:
    await link.exchange()
    assert link.plan() == TrafficPlan(ROLLOUT)
    for _ in range(3):
        link.observe(assigned(), 150.0, FAILED)
    await link.exchange()
    await link.exchange()
    assert [requests_of(one) for one in control.reports] == [0, 3, 0]
    assert [one.sequence for one in control.reports] == [1, 2, 3]
    assert control.reports[1].rollout_id == "r"
    assert control.reports[1].deployed == {"a": 1.0}


async def test_a_report_without_an_answer_is_sent_again_as_it_was(
    link: ControlLink, control: Control
) -> None:
    await link.exchange()
    link.observe(assigned(), 150.0, FAILED)
    control.failure = Unavailable("away")
    assert not await link.exchange()
    link.observe(assigned(), 150.0, FAILED)
    assert not await link.exchange()
    control.failure = None
    assert await link.exchange()
    assert await link.exchange()
    sent = control.reports[1:]
    assert [one.sequence for one in sent] == [2, 2, 2, 3]
    assert [requests_of(one) for one in sent] == [1, 1, 1, 1]


async def test_what_waits_takes_the_same_room_however_much_it_is(
    link: ControlLink, control: Control
) -> None:
    await link.exchange()
    control.failure = Unavailable("away")
    for _ in range(3):
        for _ in range(50):
            link.observe(assigned(), 150.0, FAILED)
        await link.exchange()
    stage = link._outbox._stage
    assert stage is not None
    assert not stage.recorder._rows
    control.failure = None
    await link.exchange()
    await link.exchange()
    assert [requests_of(one) for one in control.reports[-2:]] == [50, 100]


async def test_while_nobody_answers_the_plan_stays(link: ControlLink, control: Control) -> None:
    await link.exchange()
    control.plan, control.failure = TrafficPlan(), Unavailable("away")
    await link.exchange()
    assert link.plan() == TrafficPlan(ROLLOUT)


@pytest.mark.parametrize(
    ("about", "begun_s"),
    [
        (replace(ROLLOUT, stage=1), 150.0),
        (replace(ROLLOUT, id="other"), 150.0),
        (ROLLOUT, 99.0),
    ],
    ids=["another-stage", "another-rollout", "before-its-begin"],
)
async def test_what_belongs_to_another_time_is_no_evidence(
    link: ControlLink, control: Control, about: ActiveRollout, begun_s: float
) -> None:
    await link.exchange()
    link.observe(assigned(about), begun_s, FAILED)
    link.observe_pair(assigned(about), begun_s, {"overlap": 1.0})
    await link.exchange()
    assert control.reports[-1].evidence is None


async def test_a_new_stage_begins_with_nothing(link: ControlLink, control: Control) -> None:
    await link.exchange()
    link.observe(assigned(), 150.0, FAILED)
    control.plan = TrafficPlan(replace(ROLLOUT, stage=1))
    await link.exchange()
    link.observe(assigned(), 150.0, FAILED)
    await link.exchange()
    assert requests_of(control.reports[-1]) == 0


async def test_pairs_are_evidence_too(link: ControlLink, control: Control) -> None:
    await link.exchange()
    link.observe_pair(assigned(), 150.0, {"overlap": 0.5, "agreement": 1.0})
    await link.exchange()
    evidence = control.reports[-1].evidence
    assert evidence is not None
    tally = evidence.tally("canary", "overlap")
    assert tally is not None
    assert tally.mean == 0.5


async def test_a_service_without_a_controller_starts(
    link: ControlLink, control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.dispatch.control_link._EVERY_S", 0.001)
    monkeypatch.setattr("app.dispatch.control_link._FIRST_S", 0.02)
    control.failure = Unavailable("away")
    await link.begin()
    assert link.plan() == TrafficPlan()
