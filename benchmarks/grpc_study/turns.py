"""Measures two ways in turns, so that what else the machine does falls on both alike."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.grpc_study.ways import Ask


@dataclass
class Measured:
    """What one way did with one workload.

    Attributes:
        latencies_s: Of every call.
        seconds: Time that was measured.
    """

    latencies_s: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def figures(self) -> dict[str, float]:
        """Returns calls per second, and latencies in milliseconds."""
        p50, p95 = np.percentile(self.latencies_s, [50, 95]) * 1e3
        return {
            "calls": len(self.latencies_s),
            "per_s": round(len(self.latencies_s) / self.seconds, 2),
            "p50_ms": round(float(p50), 2),
            "p95_ms": round(float(p95), 2),
        }


async def measure(ask: Ask, *, clients: int, duration_s: float, into: Measured) -> None:
    """Has so many clients call one after the other for a time; adds what came of it.

    Args:
        ask: Makes a call.
        clients: How many call at a time.
        duration_s: For how long new calls begin.
        into: Where to.
    """
    started_s = time.perf_counter()

    async def run(client: int) -> None:
        number = client
        while time.perf_counter() - started_s < duration_s:
            began_s = time.perf_counter()
            await ask(number)
            into.latencies_s.append(time.perf_counter() - began_s)
            number += clients

    async with asyncio.TaskGroup() as group:
        for client in range(clients):
            group.create_task(run(client))
    into.seconds += time.perf_counter() - started_s


async def take_turns(
    ways: Mapping[str, Mapping[str, Ask]],
    workloads: Sequence[tuple[str, int]],
    *,
    rounds: int,
    duration_s: float,
) -> dict[str, dict[str, dict[str, float]]]:
    """Returns the figures by workload and way.

    Args:
        ways: Calls by the name of the way, and by their own.
        workloads: Names of calls, and how many clients make them.
        rounds: Turns of each way; the order changes from one to the next.
        duration_s: Of each turn.
    """
    measured = {workload: {way: Measured() for way in ways} for workload in map(_label, workloads)}
    for name, clients in workloads:  # connections, caches
        for way in ways:
            await measure(ways[way][name], clients=clients, duration_s=0.5, into=Measured())
    for turn in range(rounds):
        order = list(ways) if turn % 2 == 0 else list(ways)[::-1]
        for name, clients in workloads:
            for way in order:
                into = measured[_label((name, clients))][way]
                await measure(ways[way][name], clients=clients, duration_s=duration_s, into=into)
    return {
        workload: {way: one.figures() for way, one in of_ways.items()}
        for workload, of_ways in measured.items()
    }


def _label(workload: tuple[str, int]) -> str:
    name, clients = workload
    return f"{name}, {clients} client{'s' if clients > 1 else ''}"
