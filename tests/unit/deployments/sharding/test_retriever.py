"""Several shards as one retriever: who is asked, and what becomes of an answer that lacks one."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from deployments.contracts.calls import CallContext
from deployments.contracts.errors import (
    DeadlineExceeded,
    InvalidRequest,
    NotFound,
    Overloaded,
    StageError,
    Unavailable,
)
from deployments.contracts.search import CollectionFacts, SearchMethod, WordCounts
from deployments.contracts.tenants import Access
from deployments.sharding import retriever as module
from deployments.sharding.deal import shard_of
from deployments.sharding.merging import joined_generation
from deployments.sharding.retriever import DEALING, ShardedRetriever
from tests.local_shards import Dealt, LocalShard, call_of
from tests.made_up_corpus import made_up_chunks

CHUNKS = made_up_chunks(60)
QUESTION = CHUNKS[20].text


@pytest.fixture
def dealt() -> Dealt:
    return Dealt(CHUNKS, 3)


@pytest.mark.parametrize(
    "error",
    [
        Unavailable("It is away.", "retriever"),
        DeadlineExceeded("It is late.", "retriever"),
        Overloaded("It has too much to do.", "retriever"),
    ],
    ids=lambda error: error.code,
)
async def test_a_shard_that_is_away_leaves_out_its_documents(
    dealt: Dealt, error: StageError
) -> None:
    dealt.shards[1].failure = error
    found = await dealt.search(QUESTION, top_k=20)
    assert found.missing == ("retriever:shard-2",)
    assert found.generation == "", "nobody may keep the answer as a whole one"
    held = {shard_of(hit.chunk.document_id, 3) for hit in found.hits}
    assert held == {1, 3}
    left = [chunk for chunk in CHUNKS if shard_of(chunk.document_id, 3) != 2]
    expected = Dealt(left, 1).search_one(QUESTION, top_k=20)
    assert [hit.chunk.id for hit in found.hits] == [hit.chunk.id for hit in expected.hits]


async def test_an_answer_is_whole_again_when_the_shard_is_back(dealt: Dealt) -> None:
    whole = await dealt.search(QUESTION, top_k=20)
    dealt.shards[1].failure = Unavailable("It is away.", "retriever")
    await dealt.search(QUESTION, top_k=20)
    dealt.shards[1].failure = None
    assert await dealt.search(QUESTION, top_k=20) == whole
    assert whole.generation == joined_generation([f"of shard {shard}" for shard in (1, 2, 3)])


async def test_no_answer_where_no_shard_answers(dealt: Dealt) -> None:
    for shard in dealt.shards:
        shard.failure = Unavailable("It is away.", "retriever")
    with pytest.raises(Unavailable, match="It is away"):
        await dealt.search(QUESTION)


async def test_a_question_that_is_none_is_refused_and_no_shard_is_away(dealt: Dealt) -> None:
    dealt.shards[2].failure = InvalidRequest("No such filter.", "retriever")
    with pytest.raises(InvalidRequest):
        await dealt.search(QUESTION)


async def test_counts_that_lack_a_shard_are_said_to(dealt: Dealt) -> None:
    """The order may differ from that of all shards, although all were searched."""
    dealt.shards[0].failure = Unavailable("It is away.", "retriever")
    counts = await dealt.all.count_words([QUESTION], call=call_of())
    dealt.shards[0].failure = None
    found = await dealt.search(QUESTION, counts=counts)
    assert found.missing == ("retriever:shard-1",)


async def test_words_are_counted_once_where_that_was_done_before(dealt: Dealt) -> None:
    counts = await dealt.all.count_words([QUESTION], call=call_of())
    await dealt.search(QUESTION, counts=counts)
    await dealt.search(QUESTION, how=SearchMethod("dense"))
    assert dealt.shards[0].asked == ["count_words", "candidates", "candidates"]


async def test_a_shard_has_half_of_the_time(dealt: Dealt, monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[float] = []

    async def note(self: LocalShard, *args: Any, call: CallContext, **more: Any) -> Any:
        left.append(call.timeout_s)
        raise DeadlineExceeded("It is late.", "retriever")

    monkeypatch.setattr(LocalShard, "candidates", note)
    for timeout_s in (4.0, 600.0):
        with pytest.raises(DeadlineExceeded):
            await dealt.all.search(
                *("a", None),
                top_k=1,
                where=None,
                how=SearchMethod("lexical"),
                counts=WordCounts(),
                call=CallContext("request", timeout_s),
            )
    assert set(left) == {2.0, module.SHARD_TIMEOUT_S}


async def test_shards_of_another_deal_are_noticed() -> None:
    """Of three shards, two are asked: whoever deployed a third one must not lose its documents."""
    three = Dealt(CHUNKS, 3)
    changes: list[None] = []
    two = ShardedRetriever(three.shards[:2], changed=lambda: changes.append(None))  # type: ignore[arg-type]
    found = await two.search(
        QUESTION, None, top_k=5, where=None, how=SearchMethod("lexical"), call=call_of()
    )
    assert found.missing == (DEALING,)
    assert found.generation == ""
    assert changes == [None]


class Answering:
    """A shard that says a number of its own, or fails."""

    def __init__(self, number: int, failure: StageError | None = None) -> None:
        self.number = number
        self.failure = failure
        self.deleted: list[str] = []

    async def facts(self, *, call: CallContext) -> CollectionFacts:
        if self.failure:
            raise self.failure
        return CollectionFacts(self.number, 10 * self.number)

    async def describe(self, *, call: CallContext) -> dict[str, object]:
        if self.failure:
            raise self.failure
        return {"store": "ok", "shards": 3}

    async def document(self, document_id: str, *, call: CallContext) -> int:
        await asyncio.sleep(0)
        if self.failure:
            raise self.failure
        return self.number

    async def delete(self, document_id: str, *, call: CallContext) -> int:
        self.deleted.append(document_id)
        if document_id == "none":
            raise NotFound("There is none.", "retriever")
        return 1


AWAY = Unavailable("It is away.", "retriever")


def joined(shards: Sequence[Answering]) -> ShardedRetriever:
    return ShardedRetriever(shards)  # type: ignore[arg-type]


async def test_what_the_store_knows_any_shard_says() -> None:
    retriever = joined([Answering(1), Answering(2, AWAY), Answering(3)])
    said = [await retriever.document("d", call=call_of()) for _ in range(6)]
    assert set(said) == {1, 3}
    with pytest.raises(Unavailable):
        await joined([Answering(1, AWAY), Answering(2, AWAY)]).document("d", call=call_of())


async def test_a_deletion_goes_to_one_shard_that_answers() -> None:
    shards = [Answering(1, AWAY), Answering(2), Answering(3, AWAY)]
    assert await joined(shards).delete("d", call=call_of()) == 1
    assert [shard.deleted for shard in shards] == [[], ["d"], []]
    with pytest.raises(NotFound):
        await joined(shards).delete("none", call=call_of())


async def test_facts_are_sums_and_never_without_a_shard() -> None:
    assert await joined([Answering(1), Answering(2)]).facts(call=call_of()) == CollectionFacts(
        3, 30
    )
    with pytest.raises(Unavailable):
        await joined([Answering(1), Answering(2, AWAY)]).facts(call=call_of())
    # Of all tenants the store itself is asked.
    everything = call_of(Access.everything())
    facts = await joined([Answering(1, AWAY), Answering(2)]).facts(call=everything)
    assert facts == CollectionFacts(2, 20)


async def test_a_shard_that_is_away_is_named() -> None:
    assert await joined([Answering(1), Answering(2)]).describe(call=call_of()) == {
        "store": "ok",
        "shards": 3,
    }
    described = await joined([Answering(1), Answering(2, AWAY)]).describe(call=call_of())
    assert described["missing"] == ["retriever:shard-2"]
