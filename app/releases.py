"""From a request to the stages that serve it: which release, and where its applications are."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from app.config import GatewayLive, Release
from app.failover import Breakers, GeneratorChain
from app.routing import RequestFacts, RoutingDecision, choose_model
from deployments.canary.assignment import assign_release
from deployments.contracts import (
    EmbedderStage,
    IndexerStage,
    RerankerStage,
    RetrieverStage,
    Stage,
)
from deployments.errors import Unavailable
from deployments.generation import GeneratorStage


@dataclass(frozen=True, slots=True)
class RetrievalStages:
    """The stages of one retrieval application."""

    embedder: EmbedderStage
    retriever: RetrieverStage
    reranker: RerankerStage
    indexer: IndexerStage


class Directory(Protocol):
    """Finds the stages of an application by its name; asks nobody, so it never fails."""

    def retrieval(self, application: str) -> RetrievalStages:
        """Returns the stages of a retrieval application."""
        ...

    def generator(self, application: str) -> GeneratorStage:
        """Returns the generator of an application."""
        ...


@dataclass(frozen=True, slots=True)
class Route:
    """A release, decided: its name, its parameters and its stages."""

    name: str
    release: Release
    retrieval: RetrievalStages
    generator: GeneratorStage

    def stages(self) -> dict[str, Stage]:
        """Returns the stages by name, in the order a request meets them."""
        return {
            "embedder": self.retrieval.embedder,
            "retriever": self.retrieval.retriever,
            "reranker": self.retrieval.reranker,
            "generator": self.generator,
            "indexer": self.retrieval.indexer,
        }


class Releases:
    """Decides which release serves whom, by the weights in force at this moment.

    Args:
        directory: Where stages are found.
        live: Returns the live settings; None before the first ones arrived.
    """

    def __init__(self, directory: Directory, live: Callable[[], GatewayLive | None]) -> None:
        self._directory = directory
        self._live = live
        self._breakers = Breakers()

    def assign(self, sticky_key: str) -> Route:
        """Returns the route of a caller; a key keeps its release while the weights stay."""
        return self.route(assign_release(self._settings().traffic, sticky_key=sticky_key))

    def route(self, name: str) -> Route:
        """Returns the route of a release by name."""
        release = self._settings().releases[name]
        targets = [(target, self._directory.generator(target)) for target in release.generator]
        return Route(
            name,
            release,
            self._directory.retrieval(release.retrieval),
            GeneratorChain(targets, self._breakers, release.first_token_timeout_s),
        )

    def main(self) -> Route:
        """Returns the route with the most traffic, ties by name: where lists are read, whose pages
        must come from one index."""
        traffic = self._settings().traffic
        return self.route(min(traffic, key=lambda name: (-traffic[name], name)))

    def names(self) -> list[str]:
        """Returns the names of all releases, sorted."""
        return sorted(self._settings().releases)

    def serving(self) -> list[Route]:
        """Returns the routes that get traffic."""
        return [
            self.route(name) for name, weight in sorted(self._settings().traffic.items()) if weight
        ]

    def indexes(self) -> dict[str, RetrievalStages]:
        """Returns every retrieval application that a release names: a document is written to all of
        them."""
        applications = {release.retrieval for release in self._settings().releases.values()}
        return {name: self._directory.retrieval(name) for name in sorted(applications)}

    def generators(self) -> dict[str, GeneratorStage]:
        """Returns every generator application that a release names, each on its own."""
        releases = self._settings().releases.values()
        applications = {target for release in releases for target in release.generator}
        return {
            name: GeneratorChain([(name, self._directory.generator(name))], self._breakers, 0.0)
            for name in sorted(applications)
        }

    def choose_model(self, facts: RequestFacts, *, default: str) -> RoutingDecision:
        """Returns what `auto` stands for in a request, by the rules in force."""
        return choose_model(self._settings().routing, facts, default=default)

    def _settings(self) -> GatewayLive:
        settings = self._live()
        if settings is None:
            raise Unavailable("The gateway has no releases yet.", "gateway", 1.0)
        return settings
