"""What the index of a shard reads of a store that has the documents of all shards."""

from collections.abc import Iterable, Mapping, Sequence

from deployments.contracts.documents import Chunk, DocumentRecord
from deployments.contracts.vectors import Vectors
from deployments.retriever.chroma.change_log import WriterLog
from deployments.retriever.chroma.versions import Version
from deployments.retriever.follower import changed_documents
from deployments.retriever.shard_source import ShardSource
from deployments.sharding.deal import Deal

NAMES = [f"doc-{number}" for number in range(30)]


class Everything:
    """A store of all documents."""

    def __init__(self) -> None:
        self.asked: list[list[str] | None] = []

    def numbers(self) -> Mapping[str, int]:
        return {"writer": 30}

    def logs(self) -> Mapping[str, WriterLog]:
        return {"writer": WriterLog(30, tuple((name,) for name in NAMES))}

    def versions(self, document_ids: Sequence[str] | None = None) -> dict[str, Version]:
        self.asked.append(None if document_ids is None else list(document_ids))
        names = NAMES if document_ids is None else document_ids
        return {name: Version(DocumentRecord(name, "", "", name, 1, "", 1), "1") for name in names}

    def identity(self) -> str:
        return "collection"

    def chunks(self, versions: Mapping[str, Version]) -> Iterable[tuple[list[Chunk], Vectors]]:
        return []


def test_a_shard_knows_of_its_own_documents_alone() -> None:
    deal = Deal(1, 3)
    source = ShardSource(Everything(), deal)
    own = deal.own(NAMES)
    assert set(source.versions()) == set(own)
    assert set(source.versions(NAMES)) == set(own)
    assert changed_documents({"writer": 0}, source.logs()) == set(own)


def test_changes_of_others_are_counted_and_not_read() -> None:
    """Else a reader would take itself for behind, and compare everything."""
    deal, everything = Deal(1, 3), Everything()
    source = ShardSource(everything, deal)
    foreign = next(place for place, name in enumerate(NAMES) if not deal.has(name))
    assert source.numbers() == {"writer": 30}
    assert len(source.logs()["writer"].recent) == 30
    assert source.logs()["writer"].recent[foreign] == ()
    assert source.versions([NAMES[foreign]]) == {}
    assert everything.asked == []


def test_every_shard_and_every_deal_is_another_index() -> None:
    deals = (Deal(1, 2), Deal(2, 2), Deal(1, 3))
    assert len({ShardSource(Everything(), deal).identity() for deal in deals}) == 3
