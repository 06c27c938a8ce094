"""Finds the stages of an application by its name, as clients over Serve handles."""

from typing import cast

from app.releases.route import RetrievalStages
from app.settings.cold.gateway import GatewayArgs
from app.stages.breaker import Breakers
from app.stages.dealt import DealtRetriever
from app.stages.generator import GeneratorClient
from app.stages.retrieval import EmbedderClient, IndexerClient, RerankerClient
from deployments.contracts.stages import RetrieverStage


class HandleDirectory:
    """The stages of every application that a release has named; clients live as long as the
    replica.

    Args:
        args: How many calls are on their way at once, and the time limits.
        breakers: Decide when a stage is left alone because it fails.
    """

    def __init__(self, args: GatewayArgs, breakers: Breakers) -> None:
        self._args = args
        self._breakers = breakers
        self._retrieval: dict[str, RetrievalStages] = {}
        self._generators: dict[str, GeneratorClient] = {}

    def retrieval(self, application: str) -> RetrievalStages:
        """Returns the stages of a retrieval application."""
        if application not in self._retrieval:
            args, breakers = self._args, self._breakers
            self._retrieval[application] = RetrievalStages(
                embedder=EmbedderClient(application, "Embedder", args, breakers),
                # It has each method of a retriever, and hands it on.
                retriever=cast(RetrieverStage, DealtRetriever(application, args, breakers)),
                reranker=RerankerClient(application, "Reranker", args, breakers),
                indexer=IndexerClient(application, "Indexer", args, breakers),
            )
        return self._retrieval[application]

    def generator(self, application: str) -> GeneratorClient:
        """Returns the generator of an application."""
        if application not in self._generators:
            self._generators[application] = GeneratorClient(application, self._args, self._breakers)
        return self._generators[application]
