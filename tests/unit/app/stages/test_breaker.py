"""When a deployment that fails is left alone, and when it is asked again."""

import asyncio
from contextlib import ExitStack

import pytest

from app.settings.cold.breaker import BreakerArgs
from app.stages.breaker import Breaker, Breakers
from deployments.contracts.errors import (
    DeadlineExceeded,
    InvalidRequest,
    Overloaded,
    StageFailed,
    Unavailable,
)

TIME_S = 8.0


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker("embedder", BreakerArgs(failures=3, rest_s=5.0), clock)


def fail(breaker: Breaker, error: BaseException, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(type(error)), breaker.guard(TIME_S):
            raise error


def succeed(breaker: Breaker) -> None:
    with breaker.guard(TIME_S):
        pass


def is_refused(breaker: Breaker) -> bool:
    try:
        succeed(breaker)
    except Unavailable as error:
        return "left alone" in str(error)
    return False


def test_it_opens_after_failures_in_a_row(breaker: Breaker) -> None:
    fail(breaker, StageFailed("x"), times=2)
    succeed(breaker)
    fail(breaker, DeadlineExceeded("x"), times=2)
    assert breaker.state == "closed"
    fail(breaker, Unavailable("x"))
    assert breaker.state == "open"
    assert is_refused(breaker)


def test_a_refusal_says_when_to_come_back(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, StageFailed("x"), times=3)
    clock.now_s += 1.5
    with pytest.raises(Unavailable) as caught, breaker.guard(TIME_S):
        pass
    assert (caught.value.stage, caught.value.retry_after_s) == ("embedder", 3.5)


@pytest.mark.parametrize(
    "error",
    [InvalidRequest("x"), Overloaded("x"), asyncio.CancelledError(), GeneratorExit()],
    ids=lambda error: type(error).__name__,
)
def test_what_says_nothing_of_its_health_does_not_count(
    breaker: Breaker, error: BaseException
) -> None:
    fail(breaker, StageFailed("x"), times=2)
    fail(breaker, error, times=5)
    assert breaker.state == "closed"
    fail(breaker, StageFailed("x"))
    assert breaker.state == "open", "it is no success either"


def test_having_too_little_time_is_no_failure_of_the_stage(breaker: Breaker) -> None:
    for _ in range(9):
        with pytest.raises(DeadlineExceeded), breaker.guard(0.001):
            raise DeadlineExceeded("x")
    assert breaker.state == "closed"
    with pytest.raises(StageFailed), breaker.guard(0.001):
        raise StageFailed("x")
    fail(breaker, DeadlineExceeded("x"), times=2)
    assert breaker.state == "open"


def test_one_call_finds_out_whether_it_is_back(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, StageFailed("x"), times=3)
    clock.now_s += 5.0
    assert breaker.state == "half_open"
    with breaker.guard(TIME_S):
        assert is_refused(breaker), "one is enough to find out"
    assert breaker.state == "closed"
    succeed(breaker)


def test_it_rests_again_where_that_call_fails(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, StageFailed("x"), times=3)
    clock.now_s += 5.0
    fail(breaker, StageFailed("x"))
    assert breaker.state == "open"
    clock.now_s += 4.9
    assert is_refused(breaker)


def test_a_client_that_leaves_neither_closes_nor_blocks_it(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, StageFailed("x"), times=3)
    clock.now_s += 5.0
    fail(breaker, asyncio.CancelledError())
    assert breaker.state == "half_open"
    fail(breaker, StageFailed("x"))
    assert breaker.state == "open", "the next one was the probe"


def test_a_probe_that_never_comes_back_makes_room(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, StageFailed("x"), times=3)
    clock.now_s += 5.0
    with ExitStack() as hanging:
        hanging.enter_context(breaker.guard(TIME_S))
        clock.now_s += 4.9
        assert is_refused(breaker)
        clock.now_s += 0.2
        succeed(breaker)
        assert breaker.state == "closed"


def test_a_stream_that_begins_closes_it_and_counts_when_it_breaks(
    breaker: Breaker, clock: Clock
) -> None:
    fail(breaker, StageFailed("x"), times=3)
    clock.now_s += 5.0

    def break_off() -> None:
        with breaker.guard(TIME_S) as guarded:
            guarded.began()
            assert breaker.state == "closed"
            raise StageFailed("broken off")

    for _ in range(3):
        with pytest.raises(StageFailed):
            break_off()
    assert breaker.state == "open"


def test_calls_from_before_it_opened_change_nothing(breaker: Breaker, clock: Clock) -> None:
    with breaker.guard(TIME_S):
        fail(breaker, StageFailed("x"), times=3)
    assert breaker.state == "open"


def test_every_refusal_is_an_error_of_its_own(breaker: Breaker) -> None:
    fail(breaker, StageFailed("x"), times=3)
    errors = []
    for _ in range(50):
        with pytest.raises(Unavailable) as caught, breaker.guard(TIME_S):
            pass
        errors.append(caught.value)
    assert len(set(map(id, errors))) == 50

    def frames(error: BaseException) -> int:
        count, place = 0, error.__traceback__
        while place is not None:
            count, place = count + 1, place.tb_next
        return count

    assert frames(errors[0]) == frames(errors[-1])


def test_every_stage_has_its_own() -> None:
    breakers = Breakers(BreakerArgs(failures=1, rest_s=60.0))
    fail(breakers.of("minilm", "embedder"), StageFailed("x"))
    succeed(breakers.of("minilm", "reranker"))
    assert breakers.states() == {
        ("minilm", "embedder"): "open",
        ("minilm", "reranker"): "closed",
    }
