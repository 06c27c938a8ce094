"""Finds the stages of an application by its name, as clients over Serve handles."""

from app.releases.route import RetrievalStages
from app.stages.generator import GeneratorClient
from app.stages.retrieval import EmbedderClient, IndexerClient, RerankerClient, RetrieverClient


class HandleDirectory:
    """The stages of every application that a release has named; clients live as long as the
    replica.

    Args:
        max_calls: Calls on their way to one deployment at once before others merge.
        inter_token_timeout_s: Time between two pieces of an answer.
    """

    def __init__(self, max_calls: int, inter_token_timeout_s: float) -> None:
        self._max_calls = max_calls
        self._inter_token_timeout_s = inter_token_timeout_s
        self._retrieval: dict[str, RetrievalStages] = {}
        self._generators: dict[str, GeneratorClient] = {}

    def retrieval(self, application: str) -> RetrievalStages:
        """Returns the stages of a retrieval application."""
        if application not in self._retrieval:
            self._retrieval[application] = RetrievalStages(
                embedder=EmbedderClient(application, "Embedder", self._max_calls),
                retriever=RetrieverClient(application, "Retriever", self._max_calls),
                reranker=RerankerClient(application, "Reranker", self._max_calls),
                indexer=IndexerClient(application, "Indexer", self._max_calls),
            )
        return self._retrieval[application]

    def generator(self, application: str) -> GeneratorClient:
        """Returns the generator of an application."""
        if application not in self._generators:
            self._generators[application] = GeneratorClient(
                application, self._max_calls, self._inter_token_timeout_s
            )
        return self._generators[application]
