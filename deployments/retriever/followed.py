"""What a follower has read of the store so far."""

from dataclasses import dataclass, field

from deployments.retriever.disk.building import Changes
from deployments.retriever.disk.generation import Generation
from deployments.retriever.index.chunk_index import ChunkIndex
from deployments.retriever.index.held import Held
from deployments.retriever.tenancy.states import TenantStates


@dataclass(slots=True)
class Followed:
    """An index with what is known of it: how many changes of each writer it has (None before it is
    filled), the versions that it holds, the states of tenants, and the documents that the store did
    not have whole. One thread at a time may change it."""

    index: ChunkIndex
    seen: dict[str, int] | None = None
    held: Held = field(default_factory=Held)
    states: TenantStates = field(default_factory=TenantStates)
    torn: set[str] = field(default_factory=set)

    def note(self, document_id: str, mark: str | None) -> None:
        """Notes which version of a document the index holds; None for none."""
        self.states.change(document_id, self.held.get(document_id), mark)
        self.held.set(document_id, mark)

    def rest_on(self, fresh: "Followed") -> None:
        """Takes the same state of the store as it is in a generation, in place of memory."""
        fresh.index.commit(fresh.states.digests())
        self.index.become(fresh.index)
        self.held, self.states, self.torn = fresh.held, fresh.states, fresh.torn

    def changes(self) -> Changes:
        """Returns what is to be written for the next generation: of an index that was committed."""
        documents = [
            self.index.document(document_id, mark)
            for document_id, mark in sorted(self.held.changed().items())
            if mark is not None
        ]
        seen = None if self.seen is None else dict(self.seen)
        return Changes(self.index.base, documents, seen, self.states.keep(), sorted(self.torn))


def followed_from(generation: Generation | None) -> Followed:
    """Returns what a generation has, in an index of its own that is not shown yet."""
    index = ChunkIndex(in_files=True, generation=generation)
    if generation is None:
        return Followed(index)
    manifest = generation.manifest
    return Followed(
        index,
        dict(manifest.seen) if manifest.is_complete else None,
        Held(index.base),
        TenantStates(manifest.states),
        set(manifest.torn),
    )
