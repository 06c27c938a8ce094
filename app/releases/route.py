"""A release, decided: its name, its parameters and its stages."""

from dataclasses import dataclass
from typing import Protocol

from app.releases.failover import GeneratorChain
from app.settings.live.release import Release
from deployments.contracts.generation import GeneratorStage
from deployments.contracts.stages import (
    EmbedderStage,
    IndexerStage,
    RerankerStage,
    RetrieverStage,
    Stage,
)


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
    generator: GeneratorChain

    def stages(self) -> dict[str, Stage]:
        """Returns the stages by name, in the order a request meets them."""
        return {
            "embedder": self.retrieval.embedder,
            "retriever": self.retrieval.retriever,
            "reranker": self.retrieval.reranker,
            "generator": self.generator,
            "indexer": self.retrieval.indexer,
        }
