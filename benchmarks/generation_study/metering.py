"""One load on one server, with what it cost: the processor time of everybody who took part, and of
everybody else.
"""

import time
from collections.abc import Callable, Mapping

from benchmarks.generation_study.client import Run, StreamClient
from benchmarks.generation_study.processes import difference, machine_cpu_s
from benchmarks.generation_study.workload import Load


async def measure(
    client: StreamClient,
    load: Load,
    *,
    seconds: float,
    cpu_s: Callable[[], Mapping[str, float]],
) -> Run:
    """Returns what became of a load after a short warm-up.

    Args:
        client: Of the server; not entered.
        load: What it is asked.
        seconds: See `StreamClient.run`.
        cpu_s: Returns the processor time of the server's processes so far, by role.
    """
    async with client:
        await client.warm_up(load.concurrency)
        before, machine_s, began_s = cpu_s(), machine_cpu_s(), time.perf_counter()
        run = await client.run(load, seconds=seconds)
        run.server_cpu_s = difference(cpu_s(), before)
        ours_s = sum(run.server_cpu_s.values()) + run.client_cpu_s
        foreign_s = machine_cpu_s() - machine_s - ours_s
        run.foreign_cores = max(0.0, foreign_s / (time.perf_counter() - began_s))
    return run
