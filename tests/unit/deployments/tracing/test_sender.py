"""What a sender makes of a server that fails in every way it can."""

import time

import pytest

from tests.unit.deployments.tracing.scripted_server import (
    Received,
    Reply,
    ScriptedServer,
    wait_until,
)
from tests.unit.deployments.tracing.sender_bench import Bench


def test_a_batch_is_sent_as_otlp(bench: Bench, server: ScriptedServer) -> None:
    bench.offer("a", "b")
    wait_until(lambda: bench.counters.snapshot().exported == 2)
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/v1/traces")
    assert request.headers["content-type"] == "application/x-protobuf"
    assert request.headers["content-encoding"] == "gzip"
    assert request.span_names == ["a", "b"]
    assert bench.counters.snapshot().spooled == 0


@pytest.mark.parametrize(
    "failure",
    [Reply(500), Reply(503), Reply(408), Reply(429), Reply(close=True), Reply(hang_s=1.0)],
    ids=["500", "503", "408", "429", "closes", "hangs"],
)
def test_what_a_failing_server_does_not_take_is_sent_later_in_order(
    bench: Bench, server: ScriptedServer, failure: Reply
) -> None:
    server.answer = lambda _: failure
    for name in "abcd":
        bench.offer(name)
    wait_until(lambda: bench.counters.snapshot().spooled == 4)
    server.answer = lambda _: Reply()
    wait_until(lambda: bench.counters.snapshot().replayed == 4)
    assert sorted(server.taken) == list("abcd")
    # After an error that the batch may have caused, another one goes first.
    assert server.taken[failure.status == 500 :] == sorted(server.taken[failure.status == 500 :])
    assert bench.gone() == {}
    assert bench.counters.snapshot().exported == 4
    assert len(bench.spool) == 0


def test_a_server_that_is_not_there_costs_the_caller_no_time(
    bench: Bench, server: ScriptedServer
) -> None:
    server.answer = lambda _: Reply(hang_s=1.0)
    slowest_s = 0.0
    for number in range(30):
        begun_s = time.monotonic()
        bench.offer(str(number))
        slowest_s = max(slowest_s, time.monotonic() - begun_s)
    assert slowest_s < 0.2
    wait_until(lambda: bench.counters.snapshot().spooled == 30)
    assert len(server.requests) < 5


def test_a_server_is_asked_less_and_less_often(bench: Bench, server: ScriptedServer) -> None:
    server.answer = lambda _: Reply(500)
    bench.offer("a")
    wait_until(lambda: len(server.requests) == 6)
    at_s = [request.at_s for request in server.requests]
    gaps_s = [later - earlier for earlier, later in zip(at_s, at_s[1:], strict=False)]
    assert gaps_s[4] > 0.3  # at least half of 0.04 s, four times doubled
    assert gaps_s[4] > gaps_s[0]


def test_retry_after_is_kept(bench: Bench, server: ScriptedServer) -> None:
    server.answer = lambda _: Reply(429, headers={"Retry-After": "1"})
    bench.offer("a")
    wait_until(lambda: bench.counters.snapshot().spooled == 1)
    server.answer = lambda _: Reply()
    bench.offer("b")
    wait_until(lambda: server.taken == ["a", "b"])
    assert server.requests[1].at_s - server.requests[0].at_s >= 1.0


@pytest.mark.parametrize("status", [400, 401, 404, 413, 422])
def test_what_is_refused_for_good_is_dropped(
    bench: Bench, server: ScriptedServer, status: int
) -> None:
    server.answer = lambda _: Reply(status)
    bench.offer("a", "b")
    wait_until(lambda: bench.gone() == {"refused": 2})
    server.answer = lambda _: Reply()
    bench.offer("c")
    wait_until(lambda: server.taken == ["c"])
    assert len(server.requests) == 2
    assert bench.counters.snapshot().spooled == 0


def test_a_refusal_in_the_spool_does_not_hold_up_the_rest(
    bench: Bench, server: ScriptedServer
) -> None:
    server.answer = lambda _: Reply(close=True)
    for name in "abc":
        bench.offer(name)
    wait_until(lambda: bench.counters.snapshot().spooled == 3)
    server.answer = lambda request: Reply(400 if request.span_names == ["b"] else 200)
    wait_until(lambda: server.taken == ["a", "c"])
    assert bench.gone() == {"refused": 1}


def test_a_batch_that_always_brings_an_error_about_is_given_up(
    bench: Bench, server: ScriptedServer
) -> None:
    server.answer = lambda request: Reply(500 if request.span_names[0] == "bad" else 200)
    bench.offer("bad")
    for number in range(400):
        bench.offer(str(number))
        time.sleep(0.01)
        if bench.gone():
            break
    assert bench.gone() == {"refused": 1}
    sent = [str(one) for one in range(number + 1)]
    wait_until(lambda: sorted(server.taken) == sorted(sent))


def test_an_outage_alone_gives_nothing_up(bench: Bench, server: ScriptedServer) -> None:
    server.answer = lambda _: Reply(500)
    bench.offer("a")
    wait_until(lambda: len(server.requests) == 6)
    assert bench.gone() == {}
    server.answer = lambda _: Reply()
    wait_until(lambda: server.taken == ["a"])


def test_new_spans_go_before_those_of_the_spool(bench: Bench, server: ScriptedServer) -> None:
    server.answer = lambda _: Reply(close=True)
    for number in range(20):
        bench.offer(f"old {number}")
    wait_until(lambda: bench.counters.snapshot().spooled == 20)

    def slowly(_: Received) -> Reply:
        time.sleep(0.02)
        return Reply()

    server.answer = slowly
    wait_until(lambda: len(server.taken) >= 2)
    for number in range(5):
        bench.offer(f"new {number}")
        wait_until(lambda n=number: f"new {n}" in server.taken)  # type: ignore[misc]
    assert sum(name.startswith("old") for name in server.taken) < 20
    wait_until(lambda: len(server.taken) == 25)
    old = [name for name in server.taken if name.startswith("old")]
    assert old == [f"old {number}" for number in range(20)]


def test_the_replay_rests_as_long_as_it_works(bench: Bench, server: ScriptedServer) -> None:
    server.answer = lambda _: Reply(close=True)
    for number in range(6):
        bench.offer(str(number))
    wait_until(lambda: bench.counters.snapshot().spooled == 6)

    def slowly(_: Received) -> Reply:
        time.sleep(0.05)
        return Reply()

    server.answer = slowly
    wait_until(lambda: len(server.taken) == 6)
    at_s = [request.at_s for request in server.requests[-6:]]
    gaps_s = [later - earlier for earlier, later in zip(at_s, at_s[1:], strict=False)]
    assert min(gaps_s) >= 0.095


def test_spans_that_a_server_leaves_out_are_counted(bench: Bench, server: ScriptedServer) -> None:
    # partial_success { rejected_spans: 1 }
    server.answer = lambda _: Reply(body=bytes([0x0A, 2, 0x08, 1]))
    bench.offer("a", "b", "c")
    wait_until(lambda: bench.counters.snapshot().exported == 2)
    assert bench.gone() == {"refused": 1}


def test_a_hanging_server_does_not_hold_up_the_end(bench: Bench, server: ScriptedServer) -> None:
    bench.restart(timeout_s=10.0)
    server.answer = lambda _: Reply(hang_s=10.0)
    bench.offer("a")
    bench.offer("b")
    wait_until(lambda: len(server.requests) == 1)
    begun_s = time.monotonic()
    bench.restart()
    assert time.monotonic() - begun_s < 1.0
    server.answer = lambda _: Reply()
    wait_until(lambda: sorted(server.taken) == ["a", "b"])
    assert bench.counters.snapshot().adopted == 2


def test_the_end_sends_the_spool_too(bench: Bench, server: ScriptedServer) -> None:
    def slowly(_: Received) -> Reply:
        time.sleep(0.03)
        return Reply()

    server.answer = slowly
    for number in range(20):
        bench.offer(str(number))
    assert bench.counters.snapshot().spooled > 10
    bench.sender.drain(time.monotonic() + 3.0)
    bench.sender.close()
    assert len(server.taken) == 20
    assert bench.counters.snapshot().spool_bytes == 0


def test_everything_offered_before_the_end_is_sent(bench: Bench, server: ScriptedServer) -> None:
    bench.sender.drain(time.monotonic() + 3.0)
    for number in range(50):
        bench.offer(str(number))
    bench.sender.close()
    assert server.taken == [str(number) for number in range(50)]
    assert bench.counters.snapshot().spooled == 0
    bench.offer("late")
    assert bench.gone() == {"shut_down": 1}
