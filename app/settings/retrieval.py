"""Settings of a retrieval application: model, splitting and collection belong together."""

from typing import Self

from pydantic import Field, model_validator

from deployments.embedder.config import EmbedderArgs
from deployments.encoding.config import TokenVectorArgs
from deployments.indexer.cage.limits import ReadingArgs
from deployments.indexer.config import IndexerArgs
from deployments.reranker.config import RerankerArgs
from deployments.retriever.config import IndexArgs, RetrieverArgs, StoreArgs
from deployments.settings import Settings
from deployments.sharding.deal import MAX_SHARDS


class RetrievalArgs(Settings):
    """One version of the retrieval side: model, splitting and collection belong together."""

    embedder: EmbedderArgs = EmbedderArgs()
    reranker: RerankerArgs = RerankerArgs()
    store: StoreArgs
    lexical: bool = RetrieverArgs.model_fields["lexical"].default
    index: IndexArgs = IndexArgs()
    shards: int = Field(default=1, ge=1, le=MAX_SHARDS)
    """Over how many deployments the documents are dealt that the retriever searches, each with its
    own replicas and its own part of the index: `Retriever` alone, or `Retriever-1`, `Retriever-2`
    and so forth. Another number makes the index anew from the store."""
    token_vectors: TokenVectorArgs = TokenVectorArgs()
    """What is kept for a reranker that compares token vectors: they are made when a passage is
    indexed, and the first question that finds it waits for no model to read it."""
    max_chunk_tokens: int = IndexerArgs.model_fields["max_chunk_tokens"].default
    overlap_tokens: int = IndexerArgs.model_fields["overlap_tokens"].default
    max_document_chunks: int = IndexerArgs.model_fields["max_document_chunks"].default
    niceness: int = IndexerArgs.model_fields["niceness"].default
    reading: ReadingArgs = ReadingArgs()

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

    @model_validator(mode="after")
    def _can_be_dealt(self) -> Self:
        if self.shards > 1 and not self.lexical:
            raise ValueError(
                "`shards` deal an index over deployments, and `lexical: false` has none"
            )
        if self.shards > 1 and self.store.path is not None:
            raise ValueError(
                "several `shards` need a server's `store.url`: one process may open a `store.path`"
            )
        return self

    def retriever(self, shard: int = 1) -> RetrieverArgs:
        """Returns the settings of the retriever, or of one of its shards, counted from 1."""
        return RetrieverArgs(
            store=self.store,
            lexical=self.lexical,
            index=self.index,
            shard=shard,
            shards=self.shards,
        )

    def indexer(self) -> IndexerArgs:
        """Returns the indexer's settings; its tokenizer is the embedder's."""
        return IndexerArgs(
            model=self.embedder.model,
            max_chunk_tokens=self.max_chunk_tokens,
            overlap_tokens=self.overlap_tokens,
            max_document_chunks=self.max_document_chunks,
            niceness=self.niceness,
            reading=self.reading,
            reranker_reads=self.reranker.engine == "late-interaction"
            and not self.shares_token_vectors
            and self.token_vectors.max_bytes > 0,
        )
