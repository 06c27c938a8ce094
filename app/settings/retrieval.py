"""Settings of a retrieval application: model, splitting and collection belong together."""

from deployments.embedder.config import EmbedderArgs
from deployments.indexer.config import IndexerArgs
from deployments.reranker.config import RerankerArgs
from deployments.retriever.config import IndexArgs, RetrieverArgs, StoreArgs
from deployments.settings import Settings


class RetrievalArgs(Settings):
    """One version of the retrieval side: model, splitting and collection belong together."""

    embedder: EmbedderArgs = EmbedderArgs()
    reranker: RerankerArgs = RerankerArgs()
    store: StoreArgs
    lexical: bool = RetrieverArgs.model_fields["lexical"].default
    index: IndexArgs = IndexArgs()
    max_chunk_tokens: int = IndexerArgs.model_fields["max_chunk_tokens"].default
    overlap_tokens: int = IndexerArgs.model_fields["overlap_tokens"].default
    max_document_chunks: int = IndexerArgs.model_fields["max_document_chunks"].default

    def retriever(self) -> RetrieverArgs:
        """Returns the retriever's settings."""
        return RetrieverArgs(store=self.store, lexical=self.lexical, index=self.index)

    def indexer(self) -> IndexerArgs:
        """Returns the indexer's settings; its tokenizer is the embedder's."""
        return IndexerArgs(
            model=self.embedder.model,
            max_chunk_tokens=self.max_chunk_tokens,
            overlap_tokens=self.overlap_tokens,
            max_document_chunks=self.max_document_chunks,
        )
