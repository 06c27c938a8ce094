"""Which shard a document is in."""

from collections import Counter

from deployments.sharding.deal import Deal, shard_name, shard_of


def test_a_document_stays_where_it_is() -> None:
    """The files of every index depend on it: a version that deals otherwise serves nothing of
    them."""
    ids = ("handbook", "acme/handbook", "doc-1", "Ünïcode/日本", "doc-7", "doc-3")
    assert [shard_of(one, 4) for one in ids] == DEALT
    assert [shard_of(one, 1) for one in ids] == [1] * len(ids)


DEALT = [1, 1, 2, 1, 2, 3]


def test_every_document_is_in_one_shard_and_shards_are_alike() -> None:
    deals = [Deal(shard, 5) for shard in range(1, 6)]
    held = Counter(
        shard
        for number in range(5000)
        for shard, deal in enumerate(deals)
        if deal.has(f"acme/doc-{number}")
    )
    assert held.total() == 5000
    assert all(880 < count < 1120 for count in held.values())


def test_a_deal_names_its_own_documents_in_their_order() -> None:
    ids = [f"doc-{number}" for number in range(20)]
    first, second = Deal(1, 2).own(ids), Deal(2, 2).own(ids)
    assert sorted((*first, *second)) == sorted(ids)
    assert first == [one for one in ids if one in first]
    assert str(Deal(1, 2)) == "1-of-2"
    assert shard_name(2) == "retriever:shard-2"
