"""Batches by both clients against a service that works on them."""

import asyncio
from typing import Any

import pytest

from ragserve.client import AsyncClient, BatchObject, Client, NotFoundError

QUESTION = "What is the capital of France?"


def test_questions_are_answered_in_their_order(url: str) -> None:
    seen: list[int] = []

    def note(batch: BatchObject) -> None:
        seen.append(batch.request_counts.total)

    with Client(url) as client:
        batch = client.batches.create([QUESTION, "", QUESTION], name="three.jsonl")
        ended = client.batches.wait(batch.id, on_progress=note, poll_s=0.05)
        assert (ended.status, ended.request_counts.failed) == ("completed", 1)
        lines = list(client.batches.results(ended))
        assert [line.custom_id for line in lines] == ["line-1", "line-2", "line-3"]
        assert [line.failed for line in lines] == [False, True, False]
        assert [line.place for line in lines] == [0, 1, 2]
        assert client.batches.retrieve(batch.id) == ended
        assert batch.id in [one.id for one in client.batches.list()]
    assert set(seen) == {3}


def test_the_client_that_awaits_says_the_same(url: str) -> None:
    async def run() -> tuple[BatchObject, list[Any]]:
        async with AsyncClient(url) as client:
            text = f"{QUESTION}\n\n{QUESTION}\n".encode()
            batch = await client.batches.create(text, text=True, name="two.txt")
            ended = await client.batches.wait(batch.id, poll_s=0.05)
            assert batch.id in [one.id async for one in client.batches.list()]
            return ended, [line async for line in client.batches.results(ended)]

    ended, lines = asyncio.run(run())
    assert ended.status == "completed"
    assert [line.custom_id for line in lines] == ["line-1", "line-3"]
    assert all(line.response.body["sources"] is not None for line in lines)


def test_a_batch_that_is_none_and_one_that_has_ended(url: str) -> None:
    with Client(url) as client:
        failed = client.batches.create(b"{no json")
        assert failed.status == "failed"
        assert failed.errors is not None
        assert [error.line for error in failed.errors.data] == [1]
        with pytest.raises(NotFoundError):
            client.batches.cancel("batch_0")
