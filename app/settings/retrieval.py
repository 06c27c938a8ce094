"""Settings of a retrieval application: model, splitting and collection belong together."""

from deployments.embedder.config import EmbedderArgs
from deployments.encoding.config import TokenVectorArgs
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
    token_vectors: TokenVectorArgs = TokenVectorArgs()
    """What is kept for a reranker that compares token vectors: they are made when a passage is
    indexed, and the first question that finds it waits for no model to read it."""
    max_chunk_tokens: int = IndexerArgs.model_fields["max_chunk_tokens"].default
    overlap_tokens: int = IndexerArgs.model_fields["overlap_tokens"].default
    max_document_chunks: int = IndexerArgs.model_fields["max_document_chunks"].default

    @property
    def shares_token_vectors(self) -> bool:
        """Whether the embedder's model makes the token vectors that the reranker compares."""
        reranker = self.reranker
        return reranker.engine == "late-interaction" and reranker.model == self.embedder.model

    def kept_token_vectors(self) -> TokenVectorArgs | None:
        """Returns what is kept, None where the reranker compares none."""
        if self.reranker.engine != "late-interaction":
            return None
        given = self.token_vectors
        return given.model_copy(update={"path": self.index.path}) if given.path is None else given

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
            reranker_reads=self.reranker.engine == "late-interaction"
            and not self.shares_token_vectors
            and self.token_vectors.max_bytes > 0,
        )
