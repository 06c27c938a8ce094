"""From a caller to the applications that serve it."""

import pytest

from app.config import GatewayLive, Release
from app.releases import Releases, RetrievalStages
from deployments.errors import Unavailable
from tests.doubles import DoubleDirectory, ExtractiveGenerator


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
            "stable": Release(retrieval="retrieval-a", generator="generator-a"),
            "canary": Release(retrieval="retrieval-a", generator="generator-b"),
            "idle": Release(retrieval="retrieval-b", generator="generator-a"),
        },
        traffic=traffic,
    )


@pytest.fixture
def directory() -> NamedDirectory:
    return NamedDirectory()


def test_a_caller_keeps_its_release(directory: NamedDirectory) -> None:
    releases = Releases(directory, lambda: live(stable=0.5, canary=0.5))
    assigned = {key: releases.assign(key).name for key in map(str, range(50))}
    assert set(assigned.values()) == {"stable", "canary"}
    assert {key: releases.assign(key).name for key in assigned} == assigned


def test_new_weights_hold_at_once(directory: NamedDirectory) -> None:
    current = live(stable=1.0)
    releases = Releases(directory, lambda: current)
    assert releases.assign("anyone").name == "stable"
    current = live(stable=0.0, canary=1.0)
    assert releases.assign("anyone").name == "canary"


def test_a_route_leads_to_the_applications_of_its_release(directory: NamedDirectory) -> None:
    route = Releases(directory, lambda: live(stable=1.0)).route("canary")
    assert route.release.generator == ("generator-b",)
    assert route.retrieval == directory.retrieval("retrieval-a")


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


def test_before_the_first_settings_nothing_is_served(directory: NamedDirectory) -> None:
    releases = Releases(directory, lambda: None)
    for ask in (lambda: releases.assign("anyone"), releases.names, releases.indexes):
        with pytest.raises(Unavailable) as caught:
            ask()
        assert caught.value.retry_after_s
