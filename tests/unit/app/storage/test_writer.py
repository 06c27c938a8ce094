"""Operations that travel together, and who is told what became of them."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from app.storage.writer import GroupWriter


class Recorder:
    """Doubles numbers; the first call waits until it is let go."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.threads: set[str] = set()
        self.came = threading.Event()
        self.go = threading.Event()
        self.fails = False

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        self.came.set()
        self.threads.add(threading.current_thread().name)
        assert self.go.wait(10)
        if self.fails:
            raise OSError("gone")
        return [item * 2 for item in items]


async def test_what_waits_travels_together_in_its_order() -> None:
    recorder = Recorder()
    writer = GroupWriter(recorder, name="test-writer")
    first = writer.submit(0)
    await asyncio.to_thread(recorder.came.wait, 10)
    rest = [writer.submit(item) for item in range(1, 6)]
    recorder.go.set()
    assert await first == 0
    assert [await future for future in rest] == [2, 4, 6, 8, 10]
    assert recorder.batches == [[0], [1, 2, 3, 4, 5]]
    assert recorder.threads == {"test-writer"}
    await asyncio.to_thread(writer.close, 5)


async def test_a_failure_is_told_to_everyone_who_waits_and_ends_nothing() -> None:
    recorder = Recorder()
    recorder.go.set()
    recorder.fails = True
    writer = GroupWriter(recorder, name="test-writer")
    writer.post(1)
    with pytest.raises(OSError, match="gone"):
        await writer.submit(2)
    recorder.fails = False
    assert await writer.submit(3) == 6
    await asyncio.to_thread(writer.close, 5)


async def test_an_item_is_done_although_nobody_waits_for_it_any_more() -> None:
    recorder = Recorder()
    writer = GroupWriter(recorder, name="test-writer")
    writer.submit(1).cancel()
    writer.post(2)
    recorder.go.set()
    await asyncio.to_thread(writer.close, 5)
    assert sum(recorder.batches, []) == [1, 2]


async def test_after_its_end_nothing_is_taken() -> None:
    writer = GroupWriter(Recorder(), name="test-writer")
    writer.close(1)
    writer.post(1)
    with pytest.raises(RuntimeError):
        await writer.submit(2)
