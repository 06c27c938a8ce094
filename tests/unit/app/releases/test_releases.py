"""From a caller to the applications that serve it."""

from dataclasses import replace

import pytest

from app.releases.assignment import Assignment
from app.releases.releases import Releases
from app.releases.route import RetrievalStages
from app.request.notes import RequestNotes
from app.settings.live.gateway import GatewayLive
from app.settings.live.release import Release
from deployments.canary.evidence import ARMS, Arm
from deployments.canary.policy import Policy
from deployments.canary.rollout import Shares
from deployments.contracts.errors import Unavailable
from deployments.rollouts import ActiveRollout, TrafficOverride, TrafficPlan
from tests.doubles import DoubleDirectory
from tests.generator_doubles import ExtractiveGenerator


class NamedDirectory(DoubleDirectory):
    """Doubles of their own for every application."""

    def __init__(self) -> None:
        self.sets: dict[str, DoubleDirectory] = {}

    def retrieval(self, application: str) -> RetrievalStages:
        return self.sets.setdefault(application, DoubleDirectory()).retrieval(application)

    def generator(self, application: str) -> ExtractiveGenerator:
        return self.sets.setdefault(application, DoubleDirectory()).generator(application)


def live(**traffic: float) -> GatewayLive:
    return GatewayLive(
        releases={
            "stable": Release(retrieval="retrieval-a", generator=("generator-a",)),
            "canary": Release(retrieval="retrieval-a", generator=("generator-b",)),
            "idle": Release(retrieval="retrieval-b", generator=("generator-a",)),
        },
        traffic=traffic,
    )


@pytest.fixture
def directory() -> NamedDirectory:
    return NamedDirectory()


def test_a_caller_keeps_its_release(directory: NamedDirectory) -> None:
    releases = Releases(directory, lambda: live(stable=0.5, canary=0.5))
    assigned = {key: releases.assign(key).release for key in map(str, range(50))}
    assert set(assigned.values()) == {"stable", "canary"}
    assert {key: releases.assign(key).release for key in assigned} == assigned


def test_new_weights_hold_at_once(directory: NamedDirectory) -> None:
    current = live(stable=1.0)
    releases = Releases(directory, lambda: current)
    assert releases.assign("anyone").release == "stable"
    current = live(stable=0.0, canary=1.0)
    assert releases.assign("anyone").release == "canary"


def test_a_route_leads_to_the_applications_of_its_release(directory: NamedDirectory) -> None:
    route = Releases(directory, lambda: live(stable=1.0)).route("canary")
    assert route.release.generator == ("generator-b",)
    assert route.retrieval == directory.retrieval("retrieval-a")


def rollout(canary: float = 0.0, baseline: float = 0.0, shadow: float = 0.0) -> ActiveRollout:
    shares = Shares(canary, baseline, shadow)
    return ActiveRollout("r", "stable", "canary", 0, shares, 0.0, Policy())


def test_a_rollout_decides_first(directory: NamedDirectory) -> None:
    plan = TrafficPlan(rollout(canary=0.3, baseline=0.3))
    releases = Releases(directory, lambda: live(stable=0.5, idle=0.5), lambda: plan)
    found = [releases.assign(str(number)) for number in range(400)]
    by_arm = {arm: {one.release for one in found if one.arm == arm} for arm in ARMS}
    assert by_arm == {"canary": {"canary"}, "baseline": {"stable"}}
    assert {one.release for one in found if one.arm is None} == {"stable", "idle"}
    assert {one.fallback for one in found if one.arm == "canary"} == {"stable"}
    assert {one.fallback for one in found if one.arm != "canary"} == {None}
    assert {one.shadow for one in found} == {None}


def test_in_shadow_stable_answers_everybody(directory: NamedDirectory) -> None:
    plan = TrafficPlan(rollout(shadow=0.3, baseline=0.3))
    releases = Releases(directory, lambda: live(stable=1.0), lambda: plan)
    found = [releases.assign(str(number)) for number in range(200)]
    assert {one.release for one in found} == {"stable"}
    assert {(one.arm, one.shadow) for one in found} == {
        ("canary", "canary"),
        ("baseline", None),
        (None, None),
    }


def test_a_rollout_of_a_release_that_is_gone_is_none(directory: NamedDirectory) -> None:
    gone = replace(rollout(canary=1.0), canary="gone")
    releases = Releases(directory, lambda: live(stable=1.0), lambda: TrafficPlan(gone))
    assert releases.rollout() is None
    assert releases.assign("anyone").release == "stable"


def test_weights_set_by_hand_hold_until_others_are_deployed(directory: NamedDirectory) -> None:
    current = live(stable=1.0)
    override = TrafficOverride({"canary": 1.0}, dict(current.traffic), "alice", 0.0)
    releases = Releases(directory, lambda: current, lambda: TrafficPlan(override=override))
    assert releases.assign("anyone").release == "canary"
    assert [route.name for route in releases.serving()] == ["canary"]
    current = live(idle=1.0)
    assert releases.assign("anyone").release == "idle"


def test_weights_of_a_release_that_is_gone_do_not_hold(directory: NamedDirectory) -> None:
    override = TrafficOverride({"gone": 1.0}, {"stable": 1.0}, "alice", 0.0)
    plan = TrafficPlan(override=override)
    releases = Releases(directory, lambda: live(stable=1.0), lambda: plan)
    assert releases.assign("anyone").release == "stable"


def test_stages_are_listed_as_a_request_meets_them(directory: NamedDirectory) -> None:
    route = Releases(directory, lambda: live(stable=1.0)).route("stable")
    names = ["embedder", "retriever", "reranker", "generator", "indexer"]
    assert list(route.stages()) == names
    assert route.stages()["generator"] is route.generator


def test_every_release_has_a_name_and_some_have_traffic(directory: NamedDirectory) -> None:
    releases = Releases(directory, lambda: live(stable=0.9, canary=0.1, idle=0.0))
    assert releases.names() == ["canary", "idle", "stable"]
    assert [route.name for route in releases.serving()] == ["canary", "stable"]


def test_an_index_that_several_releases_share_is_written_once(directory: NamedDirectory) -> None:
    releases = Releases(directory, lambda: live(stable=1.0))
    assert list(releases.indexes()) == ["retrieval-a", "retrieval-b"]


def test_the_index_with_the_most_traffic_is_written_first(directory: NamedDirectory) -> None:
    """Whoever fills another from it looks there afterwards for what came in between."""
    releases = Releases(directory, lambda: live(stable=0.1, idle=0.9))
    assert list(releases.indexes()) == ["retrieval-b", "retrieval-a"]


def test_before_the_first_settings_nothing_is_served(directory: NamedDirectory) -> None:
    releases = Releases(directory, lambda: None)
    for ask in (lambda: releases.assign("anyone"), releases.names, releases.indexes):
        with pytest.raises(Unavailable) as caught:
            ask()
        assert caught.value.retry_after_s


@pytest.mark.parametrize(
    ("release", "arm", "tried"),
    [("b", "canary", "b"), ("a", "baseline", "a"), ("a", "canary", "")],
    ids=["canary", "baseline", "shadow"],
)
def test_notes_say_whose_answers_are_evidence(release: str, arm: Arm, tried: str) -> None:
    rollout = ActiveRollout("ro", "a", "b", 0, Shares(), 0.0, Policy())
    notes = RequestNotes()
    Assignment(release, "zoe", rollout, arm).note(notes)
    assert (notes.tried, notes.sticky_key, notes.rollout) == (tried, "zoe", "ro")
    assert notes.is_evidence is bool(tried)
    notes.release = "another"
    assert not notes.is_evidence
