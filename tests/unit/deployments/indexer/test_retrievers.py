"""Which of several shards the indexer asks."""

import warnings
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from deployments.contracts.calls import CallContext
from deployments.contracts.documents import DocumentRecord
from deployments.contracts.errors import Unavailable

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of Ray's own, when it is imported
    from deployments.indexer.retrievers import Retrievers

CALL = CallContext("request", 5.0)


class Response:
    """A call that was sent."""

    def __init__(self, value: Awaitable[Any]) -> None:
        self._value = value

    def __await__(self) -> Any:
        return self._value.__await__()

    def cancel(self) -> None:
        return None


class Method:
    def __init__(self, call: Callable[..., Awaitable[Any]]) -> None:
        self._call = call

    def remote(self, *args: object, **options: object) -> Response:
        return Response(self._call(*args, **options))


class Shard:
    """A handle of a shard that knows documents, and some that the store does not have whole."""

    def __init__(self, *damaged: str) -> None:
        self.asked: list[str] = []
        self.is_away = False
        self._damaged = damaged
        self.records = Method(self._records)
        self.damaged = Method(self._name_damaged)
        self.replace = Method(self._replace)

    def _enter(self, name: str) -> None:
        self.asked.append(name)
        if self.is_away:
            raise Unavailable("It is away.", "retriever")

    async def _records(
        self, document_ids: Sequence[str], *, call: CallContext
    ) -> dict[str, DocumentRecord]:
        self._enter("records")
        return {name: DocumentRecord(name, "", "", "mark", 1, "", 1) for name in document_ids}

    async def _name_damaged(self, document_ids: Sequence[str], *, call: CallContext) -> set[str]:
        self._enter("damaged")
        return set(self._damaged) & set(document_ids)

    async def _replace(self, documents: Sequence[object], *, call: CallContext) -> None:
        self._enter("replace")


def fingerprints(records: dict[str, DocumentRecord]) -> dict[str, str]:
    return {name: record.fingerprint for name, record in records.items()}


async def test_one_retriever_is_asked_once() -> None:
    shard = Shard("a")
    records = await Retrievers([shard]).records(["a", "b"], call=CALL)
    assert fingerprints(records) == {"a": "mark", "b": "mark"}, "it has said what it knows"
    assert shard.asked == ["records"]


async def test_the_shard_that_has_a_document_says_that_it_is_damaged() -> None:
    shards = [Shard("a"), Shard("b"), Shard()]
    shards[2].is_away = True
    records = await Retrievers(shards).records(["a", "b", "c"], call=CALL)
    assert fingerprints(records) == {"a": "", "b": "", "c": "mark"}


async def test_documents_are_written_through_a_shard_that_answers() -> None:
    shards = [Shard(), Shard()]
    retrievers = Retrievers(shards)
    for _ in range(4):
        await retrievers.replace([], call=CALL)
    assert [shard.asked for shard in shards] == [["replace"] * 2] * 2
    shards[1].is_away = True
    for _ in range(2):
        await retrievers.replace([], call=CALL)
    assert len(shards[0].asked) == 4
    shards[0].is_away = True
    with pytest.raises(Unavailable):
        await retrievers.replace([], call=CALL)
