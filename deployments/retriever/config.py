"""Settings of the retriever: where the vectors lie, and in which collection."""

from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from deployments.settings import Settings
from deployments.sharding.deal import MAX_SHARDS, Deal


class StoreArgs(Settings):
    """A Chroma server by `url`, or a folder of this machine by `path`: exactly one of them."""

    url: str | None = None
    """Address of a Chroma server, for example `http://127.0.0.1:8100`. Any number of retriever
    replicas."""

    path: str | None = None
    """Absolute folder of an embedded Chroma. One process may open it, so one retriever replica."""

    collection: str = Field(
        default="ragserve", min_length=3, max_length=60, pattern=r"^[\w][\w.-]*\w$"
    )
    """Name of the collection. Others beside it, `<name>-documents`, `<name>-sources` and
    `<name>-changes`, keep the list of documents, the documents as they came, and what changed."""

    connect_timeout_s: float = Field(default=2.0, gt=0)
    """Time to reach the server by `url`."""

    timeout_s: float = Field(default=10.0, gt=0)
    """Time for which the server may stay silent while it is asked: the longest is the write of 500
    chunks. Threads that search wait as long for a server that never answers."""

    @field_validator("url")
    @classmethod
    def _has_a_scheme_and_host(cls, url: str | None) -> str | None:
        if url is not None:
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError("must be an http or https address with a host")
        return url

    @field_validator("path")
    @classmethod
    def _is_absolute(cls, path: str | None) -> str | None:
        if path is not None and not Path(path).is_absolute():
            raise ValueError("must be absolute: replicas do not share your working directory")
        return path

    @model_validator(mode="after")
    def _is_exactly_one(self) -> Self:
        if (self.url is None) == (self.path is None):
            raise ValueError("give either `url` (a Chroma server) or `path` (embedded), not both")
        return self


class IndexArgs(Settings):
    """Where the index lies that replicas search: in files of their node, which all replicas there
    share, or in the memory of each."""

    path: str | None = None
    """Absolute folder on a disk of the node; indexes of several collections may share it. None
    takes the folder that the environment variable `RAGSERVE_INDEX_DIR` names, which is one in the
    stack's home after `ragserve up`; without that, and where it is empty, the index is in memory.
    Some 3 kB for each chunk of 800 characters with a vector of 384 numbers, and twice as much
    while segments are merged. What is there is made again from the store when it is lost."""

    max_pending_chunks: int = Field(default=4096, ge=1)
    """Chunks that came or went since the files were written and are in the memory of each replica:
    with more, they are written at once. Some 10 kB each."""

    max_pending_s: float = Field(default=30.0, gt=0)
    """Time after which changes are written, however few. A restarted replica reads those again that
    were not."""

    @field_validator("path")
    @classmethod
    def _is_absolute(cls, path: str | None) -> str | None:
        if path and not Path(path).is_absolute():
            raise ValueError("must be absolute: replicas do not share your working directory")
        return path


class RetrieverArgs(Settings):
    """What the retriever opens at start."""

    store: StoreArgs

    lexical: bool = True
    """Whether replicas search an index of all chunks, their words, texts and vectors, that they
    keep themselves. Without it the store is searched, by meaning alone."""

    index: IndexArgs = IndexArgs()
    """Where that index is."""

    shard: int = Field(default=1, ge=1)
    """Which of several shards this is, from 1; the application's `shards` gives each its number."""

    shards: int = Field(default=1, ge=1, le=MAX_SHARDS)
    """Over how many deployments the documents are dealt."""

    max_silence_s: float = Field(default=300.0, gt=0)
    """Time without any answer from the store after which a replica counts as broken and is started
    again. Longer than outages of the store are: a replica that outlives one has its index still."""

    max_batch_requests: int = Field(default=32, ge=1)
    """Searches of one batch."""

    max_queued_requests: int = Field(default=1024, ge=1)
    """Searches that may wait. Over it the retriever refuses with `overloaded`."""

    max_queue_s: float = Field(default=5.0, gt=0)
    """Time a search may wait for its turn; see the embedder's."""

    @model_validator(mode="after")
    def _is_one_of_them(self) -> Self:
        if self.shard > self.shards:
            raise ValueError(f"there is no shard {self.shard} of {self.shards}")
        return self

    def deal(self) -> Deal:
        """Returns which documents are this retriever's."""
        return Deal(self.shard, self.shards)
