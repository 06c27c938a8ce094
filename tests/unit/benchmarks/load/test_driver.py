"""Times count from the schedule, nothing is lost, and every measurement ends."""

import asyncio
import time

import pytest

from benchmarks.load.driver import OK, UNANSWERED, Reply, Sample, closed_loop, open_loop


async def at_once(_: int) -> Reply:
    return OK


async def never(_: int) -> Reply:
    await asyncio.Event().wait()
    return OK


def test_latency_counts_from_when_the_request_was_due() -> None:
    assert Sample(1.0, 1.5, 2.0, "ok").latency_ms == pytest.approx(1000)


async def test_open_loop_does_not_wait_for_answers() -> None:
    """Ten requests of 50 ms each, one at a time, due 5 ms apart: the queue is in the latency."""
    free = asyncio.Lock()

    async def slow(_: int) -> Reply:
        async with free:
            await asyncio.sleep(0.05)
        return OK

    samples = await open_loop(slow, [index * 0.005 for index in range(10)])
    assert [sample.scheduled_s for sample in samples] == [index * 0.005 for index in range(10)]
    latencies = [sample.latency_ms for sample in samples]
    assert latencies == sorted(latencies)
    # The last one is served after ten services, 500 ms, and was due at 45 ms.
    assert latencies[-1] >= 450


async def test_a_stalled_load_generator_shows_as_latency() -> None:
    """One sender that blocks the event loop delays those due meanwhile, and their time says so."""

    async def blocks(index: int) -> Reply:
        if index == 0:
            time.sleep(0.1)  # noqa: ASYNC251
        return OK

    samples = await open_loop(blocks, [0.0, 0.02, 0.04])
    assert samples[1].latency_ms >= 75
    assert samples[2].latency_ms >= 55
    assert samples[1].started_s >= 0.1


async def test_open_loop_keeps_the_schedule() -> None:
    arrivals = [0.01, 0.02, 0.05]
    samples = await open_loop(at_once, arrivals)
    for sample, due_s in zip(samples, arrivals, strict=True):
        assert sample.started_s >= due_s
        assert sample.started_s < due_s + 0.5


async def test_open_loop_tells_every_outcome_and_every_reason() -> None:
    async def mixed(index: int) -> Reply:
        if index == 2:
            raise ConnectionError("broken pipe")
        return [OK, Reply("refused", "full")][index]

    seen: list[Sample] = []
    samples = await open_loop(mixed, [0.0, 0.001, 0.002], on_done=seen.append)
    assert [(sample.outcome, sample.detail) for sample in samples] == [
        ("ok", ""),
        ("refused", "full"),
        ("failed", "ConnectionError: broken pipe"),
    ]
    assert seen == samples


@pytest.mark.parametrize("arrivals", [[], [0.0, 0.001]])
async def test_open_loop_ends_without_answers(arrivals: list[float]) -> None:
    samples = await asyncio.wait_for(open_loop(never, arrivals, drain_s=0.02), 5)
    assert [(one.outcome, one.detail) for one in samples] == [("failed", UNANSWERED)] * len(
        arrivals
    )


async def test_a_sender_that_ignores_its_end_is_left_behind_and_counts_as_failed() -> None:
    free = asyncio.Event()

    async def stubborn(_: int) -> Reply:
        while not free.is_set():
            try:
                await free.wait()
            except asyncio.CancelledError:
                continue
        return OK

    samples = await asyncio.wait_for(open_loop(stubborn, [0.0], drain_s=0.01), 5)
    free.set()
    assert [(one.outcome, one.detail) for one in samples] == [("failed", UNANSWERED)]
    assert samples[0].ended_s >= 0.01


async def test_a_sender_cancelled_from_inside_is_a_failure_of_its_own() -> None:
    async def cancelled(_: int) -> Reply:
        raise asyncio.CancelledError

    samples = await open_loop(cancelled, [0.0])
    assert [(one.outcome, one.detail) for one in samples] == [("failed", "CancelledError")]


async def test_what_an_observer_raises_is_not_lost() -> None:
    def broken(_: Sample) -> None:
        raise LookupError("bar")

    with pytest.raises(LookupError, match="bar"):
        await open_loop(at_once, [0.0], on_done=broken)


async def test_closed_loop_keeps_its_concurrency_and_counts_every_request_once() -> None:
    running, most = 0, 0
    indices: list[int] = []

    async def send(index: int) -> Reply:
        nonlocal running, most
        indices.append(index)
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        return OK

    samples = await closed_loop(send, concurrency=4, duration_s=0.2)
    assert most == 4
    assert indices == list(range(len(indices)))
    # What was on its way at the end is answered, and left out.
    assert running == 0
    assert len(indices) - 4 <= len(samples) <= len(indices)
    assert 8 <= len(samples) <= 80
    assert all(0 <= sample.ended_s <= 0.2 for sample in samples)


async def test_closed_loop_leaves_the_warm_up_out() -> None:
    async def send(_: int) -> Reply:
        await asyncio.sleep(0.002)
        return OK

    began_s = time.monotonic()
    samples = await closed_loop(send, concurrency=1, duration_s=0.05, warmup_s=0.1)
    assert time.monotonic() - began_s >= 0.15
    assert 1 <= len(samples) <= 25
    assert samples[0].ended_s >= 0


async def test_closed_loop_ends_without_answers_and_says_so() -> None:
    seen: list[Sample] = []
    samples = await asyncio.wait_for(
        closed_loop(never, concurrency=3, duration_s=0.01, drain_s=0.02, on_done=seen.append), 5
    )
    assert [(one.outcome, one.detail) for one in samples] == [("failed", UNANSWERED)] * 3
    assert seen == samples


async def test_closed_loop_ends_for_a_sender_that_never_waits() -> None:
    samples = await asyncio.wait_for(closed_loop(at_once, concurrency=2, duration_s=0.02), 5)
    assert len(samples) > 10
