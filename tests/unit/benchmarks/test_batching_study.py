"""Every batcher answers, refuses and is measured the same way, on a model of a few milliseconds."""

import asyncio
import json
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from benchmarks.batching_study.contenders import (
    Bounds,
    Contender,
    FixedWait,
    Make,
    Ours,
    ServeBatch,
)
from benchmarks.batching_study.drawing import draw
from benchmarks.batching_study.measure import (
    Schedule,
    best_wait,
    capacity,
    figures_of,
    idle,
    under_load,
    warm_up,
)
from benchmarks.batching_study.models import Recorder, per_token_model
from benchmarks.batching_study.study import Settings, measure
from benchmarks.batching_study.workloads import Workload, constant_mixed
from benchmarks.load.driver import Reply

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of Ray's own, when it is imported
    import ray.serve.context

BOUNDS = Bounds(
    max_batch_requests=4,
    max_batch_tokens=1000,
    max_queued_requests=8,
    concurrent_batches=1,
    mean_tokens=1.0,
)
RUN_S = 0.01
MAKERS: dict[str, Make] = {
    "ours": Ours,
    "serve.batch": partial(ServeBatch, wait_s=0.005),
    "fixed wait": partial(FixedWait, wait_s=0.005),
}
every_batcher = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())


@pytest.fixture(autouse=True)
def _leave_no_replica_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray.serve.context, "_INTERNAL_REPLICA_CONTEXT", None)


def doubled(items: Sequence[int]) -> list[int]:
    time.sleep(RUN_S)
    return [2 * item for item in items]


def a_workload(run: Callable[[Sequence[Any]], Sequence[Any]] = doubled) -> Workload:
    return Workload(
        "test",
        run,
        items=[1, 2, 3],
        token_counts=[1, 1, 1],
        max_batch_tokens=1000,
        concurrent_batches=1,
    )


async def sent(contender: Contender, count: int) -> list[Reply]:
    return await asyncio.gather(*(contender.send(item, 1) for item in range(count)))


@every_batcher
async def test_batches_stay_within_their_bound_and_everybody_is_answered(make: Make) -> None:
    recorder = Recorder(doubled)
    contender = make(recorder, BOUNDS)
    replies = await asyncio.wait_for(sent(contender, 8), 5)
    contender.close()
    assert [reply.outcome for reply in replies] == ["ok"] * 8
    assert recorder.batch_sizes == [4, 4]
    assert len(recorder.run_s) == 2
    assert min(recorder.run_s) >= RUN_S * 0.9


@every_batcher
async def test_the_queue_is_bounded_alike(make: Make) -> None:
    """Eight may wait, and at most the four of a running batch come on top."""
    contender = make(doubled, BOUNDS)
    replies = await asyncio.wait_for(sent(contender, 40), 5)
    again = await asyncio.wait_for(sent(contender, 1), 5)
    contender.close()
    answered = sum(reply.outcome == "ok" for reply in replies)
    assert 8 <= answered <= 12
    assert {reply.outcome for reply in replies} == {"ok", "refused"}
    assert again[0].outcome == "ok"


def a_schedule(arrivals_s: list[float], warmup_s: float = 0.0) -> Schedule:
    return Schedule(arrivals_s, [0] * len(arrivals_s), warmup_s, duration_s=0.2)


@every_batcher
def test_under_load_every_arrival_has_a_sample_and_every_run_its_size(make: Make) -> None:
    schedule = a_schedule([index * 0.004 for index in range(50)])
    observed = under_load(a_workload(), make, replace(BOUNDS, max_queued_requests=1000), schedule)
    figures = figures_of([observed, observed], duration_s=0.2, slo_ms=500.0)
    assert figures["count"] == 100
    assert figures["ok"] == 100
    assert figures["p50_ms"] >= RUN_S * 1e3
    assert sum(observed.batch_sizes) == 50
    assert figures["mean_batch_size"] == pytest.approx(50 / len(observed.batch_sizes), abs=0.01)
    assert figures["send_delay_p95_ms"] >= 0


def test_the_warm_up_is_left_out() -> None:
    observed = under_load(a_workload(), Ours, BOUNDS, a_schedule([0.0, 0.01, 0.15], warmup_s=0.1))
    assert len(observed.samples) == 1
    assert observed.samples[0].scheduled_s == pytest.approx(0.05)


def test_what_the_model_raises_is_a_failure() -> None:
    def broken(items: Sequence[int]) -> list[int]:
        raise ValueError("no memory")

    for make in (Ours, partial(FixedWait, wait_s=0.0)):
        observed = under_load(a_workload(broken), make, BOUNDS, a_schedule([0.0, 0.01]))
        assert figures_of([observed], duration_s=0.2)["failed"] == 2


def test_capacity_is_that_of_full_batches() -> None:
    found = capacity(a_workload(), max_batch_requests=4, duration_s=0.2)
    assert RUN_S <= found.batch_s < 20 * RUN_S
    assert found.requests_per_s == pytest.approx(4 / found.batch_s, rel=0.01)


def test_a_timer_is_what_one_user_alone_waits_for() -> None:
    fixed = idle(a_workload(), partial(FixedWait, wait_s=0.03), BOUNDS, requests=4)
    ours = idle(a_workload(), Ours, BOUNDS, requests=4)
    assert fixed["idle_added_ms"] >= 29
    assert ours["idle_added_ms"] < fixed["idle_added_ms"] / 2


def test_the_best_wait_has_the_lowest_p95() -> None:
    tried_count = 0

    def count() -> None:
        nonlocal tried_count
        tried_count += 1

    schedule = a_schedule([index * 0.03 for index in range(5)])
    best_s, tried = best_wait(
        a_workload(),
        lambda wait_s: partial(ServeBatch, wait_s=wait_s),
        BOUNDS,
        schedule,
        [0.08, 0.0, 0.05],
        on_done=count,
    )
    assert best_s == 0.0
    assert [one["wait_ms"] for one in tried] == [80.0, 0.0, 50.0]
    assert tried_count == 3


def test_a_warm_up_runs_every_usual_shape_once() -> None:
    shapes: list[tuple[int, int]] = []

    def run(items: Sequence[int]) -> Sequence[int]:
        shapes.append((len(items), items[0]))
        return items

    lengths = [5, 7, 20] * 100 + [300]
    cold = Workload("cold", run, lengths, lengths, 1000, 1, first_of_shape_is_slow=True)
    warm_up(cold, max_batch_requests=3)
    assert len(shapes) == 6
    assert {(size, (length + 7) // 8) for size, length in shapes} == {
        (size, eighths) for size in (1, 2, 3) for eighths in (1, 3)
    }
    shapes.clear()
    warm_up(Workload("warm", run, lengths, lengths, 1000, 1), max_batch_requests=3)
    assert shapes == []


def test_a_model_by_token_pays_for_padding() -> None:
    run = per_token_model(0.001, token_s=1e-4)
    started_s = time.perf_counter()
    assert run([10, 100, 10]) == [10, 100, 10]
    assert time.perf_counter() - started_s >= 0.031


def test_real_paragraphs_differ_in_length() -> None:
    lengths = constant_mixed(None).token_counts
    assert len(lengths) > 100
    assert min(lengths) < 10 < 200 < max(lengths) <= 256


def settings(repeats: int) -> Settings:
    return Settings(
        loads_percent=(40, 130),
        duration_s=0.05,
        repeats=repeats,
        max_batch_requests=4,
        slo_batches=6.0,
        fixed_wait_s=0.005,
        idle_requests=2,
        trace=None,
    )


def test_a_study_measures_all_batchers_at_every_load_and_is_drawn(tmp_path: Path) -> None:
    steps = 0

    def done() -> None:
        nonlocal steps
        steps += 1

    result = measure(a_workload(), settings(2), on_done=done)
    assert steps == settings(2).steps()
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    names = ["ours", "serve.batch", "serve.batch tuned", "fixed wait"]
    assert list(result["idle"]) == names
    assert [(point["load_percent"], point["batcher"]) for point in result["points"]] == [
        (load, name) for load in (40, 130) for name in names
    ]
    # All were sent the same arrivals; what ended in the warm-up may differ by a few.
    for load in (40, 130):
        counts = [point["count"] for point in result["points"] if point["load_percent"] == load]
        assert max(counts) - min(counts) <= 24
        assert min(counts) > 0
    draw([result], tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
