"""Which shard of an index has a document: decided by its id alone, the same everywhere and always.

Every chunk is where its document is, so that what stands around a chunk is with it.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

MAX_SHARDS = 64
"""Every search asks all shards: beyond so many, asking costs more than searching."""
_SHARD = re.compile(r"Retriever-(\d+)")


def shard_of(document_id: str, shards: int) -> int:
    """Returns the shard, from 1 to `shards`, that has a document.

    >>> [shard_of("handbook", 1), shard_of("handbook", 4), shard_of("doc-1", 4)]
    [1, 1, 2]

    Args:
        document_id: As the index calls it, its tenant included.
        shards: How many there are.
    """
    digest = hashlib.blake2b(document_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest) % shards + 1


@dataclass(frozen=True, slots=True)
class Deal:
    """One shard of several: `shard` counts from 1."""

    shard: int
    shards: int

    def __str__(self) -> str:
        return f"{self.shard}-of-{self.shards}"

    def has(self, document_id: str) -> bool:
        """Returns whether a document is this shard's."""
        return shard_of(document_id, self.shards) == self.shard

    def own(self, document_ids: Iterable[str]) -> list[str]:
        """Returns those documents that are this shard's, in their order."""
        return [document_id for document_id in document_ids if self.has(document_id)]


def deployment_names(shards: int) -> tuple[str, ...]:
    """Returns what the retriever's deployments are called in an application of so many shards.

    >>> deployment_names(1), deployment_names(2)
    (('Retriever',), ('Retriever-1', 'Retriever-2'))
    """
    if shards == 1:
        return ("Retriever",)
    return tuple(f"Retriever-{shard}" for shard in range(1, shards + 1))


def shard_count(names: Iterable[str]) -> int:
    """Returns how many shards the deployments of an application are, 0 where none is one.

    >>> shard_count(["Embedder", "Retriever"]), shard_count(["Retriever-1", "Retriever-2"])
    (1, 2)
    """
    found = list(names)
    numbers = [int(match[1]) for name in found if (match := _SHARD.fullmatch(name))]
    return max(numbers) if numbers else int("Retriever" in found)


def shard_name(shard: int) -> str:
    """Returns what errors, breakers and `degraded` call a shard."""
    return f"retriever:shard-{shard}"
