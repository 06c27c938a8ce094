"""What the index of one shard follows: the same store, as if it had the shard's documents alone."""

from collections.abc import Iterable, Mapping, Sequence

from deployments.contracts.documents import Chunk
from deployments.contracts.vectors import Vectors
from deployments.retriever.chroma.change_log import WriterLog
from deployments.retriever.chroma.versions import Version
from deployments.retriever.follower import Source
from deployments.sharding.deal import Deal


class ShardSource:
    """The source of a shard's follower.

    Args:
        source: Of the documents of all shards.
        deal: Which are this one's.
    """

    def __init__(self, source: Source, deal: Deal) -> None:
        self._source = source
        self._deal = deal

    def numbers(self) -> Mapping[str, int]:
        """Returns how many changes each writer has announced, of documents of all shards."""
        return self._source.numbers()

    def logs(self) -> Mapping[str, WriterLog]:
        """Returns what each writer changed last: as many changes, with the shard's documents."""
        return {
            writer: WriterLog(log.number, tuple(tuple(self._deal.own(ids)) for ids in log.recent))
            for writer, log in self._source.logs().items()
        }

    def versions(self, document_ids: Sequence[str] | None = None) -> dict[str, Version]:
        """Returns the versions of those of the shard's documents that are there, or of all."""
        asked = None if document_ids is None else self._deal.own(document_ids)
        found = {} if asked == [] else self._source.versions(asked)
        return {name: version for name, version in found.items() if self._deal.has(name)}

    def identity(self) -> str:
        """Returns what tells this shard of the collection from every other, of another number of
        shards included: files of another deal are never searched."""
        return f"{self._source.identity()} {self._deal}"

    def chunks(self, versions: Mapping[str, Version]) -> Iterable[tuple[list[Chunk], Vectors]]:
        """Returns the chunks that those versions have with their vectors, some at a time."""
        return self._source.chunks(versions)
