"""Settings of the indexer: how documents are split. They must match the embedder beside it."""

from typing import Self

from pydantic import Field, model_validator

from deployments.encoding.weights import PACKAGED_MODEL
from deployments.indexer.cage.limits import ReadingArgs
from deployments.settings import Settings


class IndexerArgs(Settings):
    """How documents become chunks."""

    model: str = PACKAGED_MODEL
    """The embedder's model: its tokenizer measures the chunks."""

    max_chunk_tokens: int = Field(default=128, ge=32)
    """Tokens of a chunk with the headings above it; at most the window of the embedding model,
    which would cut the rest off unread. Small ones are found more exactly, and generators read them
    with their neighbours."""

    overlap_tokens: int = Field(default=16, ge=0)
    """Tokens that a chunk repeats of the one before it, so that no sentence loses its context."""

    max_document_chunks: int = Field(default=10_000, ge=1)
    """Chunks of one document at most: about 1.2 million tokens. A longer one is refused by name."""

    reranker_reads: bool = False
    """Whether the reranker reads passages while they are indexed, because no other stage makes the
    token vectors that it compares."""

    niceness: int = Field(default=5, ge=0, le=19)
    """How far its processes stand back for those that answer questions, where they share cores. 0
    stands back for nobody."""

    reading: ReadingArgs = ReadingArgs()
    """How uploaded files are read, and what one may cost."""

    @model_validator(mode="after")
    def _overlap_leaves_room(self) -> Self:
        if self.overlap_tokens * 2 > self.max_chunk_tokens:
            raise ValueError("overlap_tokens must be at most half of max_chunk_tokens")
        return self
