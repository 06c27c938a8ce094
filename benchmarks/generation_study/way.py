"""The way of a token without an engine: how many it carries, and what one costs, where each travels
alone and where those of a few milliseconds travel together."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.generation_study.client import Run, StreamClient
from benchmarks.generation_study.figures import Figures, failures_of, figures_of, median_figures
from benchmarks.generation_study.metering import measure
from benchmarks.generation_study.serve_config import noop_application, serve_config
from benchmarks.generation_study.stack import GenerationStack
from benchmarks.generation_study.workload import Load

WINDOWS_MS = (0.0, 15.0)
"""Each token alone, and a generator's default."""
_WORKERS = ("gateway", "generator", "haproxy")
"""Whose processor time a token costs."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Streams of so many tokens per second each; 0 for as many as the way carries."""

    concurrency: int
    tokens_per_s: int
    max_tokens: int

    @property
    def label(self) -> str:
        """What tables call it."""
        return f"{self.concurrency} streams, {self.tokens_per_s or 'no'} pace"


PACES = (Pace(1, 0, 1024), Pace(32, 0, 512), Pace(32, 50, 150), Pace(32, 200, 600))
"""Without a pace: what the way carries. With one: what a token costs, a slow engine's and a fast
one's."""


def measure_way(
    folder: Path,
    *,
    rounds: int,
    seconds: float,
    on_step: Callable[[str], None],
    paces: Sequence[Pace] = PACES,
) -> list[dict[str, Any]]:
    """Returns the figures by window and pace, the windows measured in turns.

    Raises:
        ServerFailed: the stack did not start.
    """
    applications = {window_ms: f"noop-{window_ms:g}" for window_ms in WINDOWS_MS}
    on_step("starting the graph without an engine")
    config = serve_config(
        [noop_application(name, delta_window_ms=ms) for ms, name in applications.items()]
    )
    found: dict[tuple[float, Pace], list[Run]] = {}
    with GenerationStack(folder, config) as stack:
        for _ in range(rounds):
            for pace in paces:
                for window_ms, application in applications.items():
                    on_step(f"window {window_ms:g} ms, {pace.label}")
                    run = asyncio.run(_run(stack, application, pace, seconds))
                    found.setdefault((window_ms, pace), []).append(run)
    return [_tabulate(window_ms, pace, runs) for (window_ms, pace), runs in found.items()]


async def _run(stack: GenerationStack, application: str, pace: Pace, seconds: float) -> Run:
    client = StreamClient(stack.url, application, lambda _: str(pace.tokens_per_s))
    load = Load(pace.concurrency, pace.max_tokens)
    run = await measure(client, load, seconds=seconds, cpu_s=lambda: stack.cpu_s(application))
    run.server_cpu_s = {role: run.server_cpu_s[role] for role in _WORKERS}
    return run


def _tabulate(window_ms: float, pace: Pace, runs: Sequence[Run]) -> dict[str, Any]:
    by_round: list[Figures] = [
        {**figures_of(run), "tokens_per_core_s": _tokens_per_core_s(run)} for run in runs
    ]
    return {
        "delta_window_ms": window_ms,
        "concurrency": pace.concurrency,
        "pace_tokens_per_s": pace.tokens_per_s or None,
        "max_tokens": pace.max_tokens,
        **median_figures(by_round),
        "failures": failures_of(runs),
    }


def _tokens_per_core_s(run: Run) -> float | None:
    """Returns the tokens per second of processor time that gateway, generator and HAProxy used."""
    tokens = sum(answer.completion_tokens for answer in run.answers)
    spent_s = sum(run.server_cpu_s.values())
    return tokens / spent_s if spent_s else None
