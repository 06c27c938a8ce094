"""The two servers in turns: while one is measured, the other one is frozen."""

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.generation_study.client import Run, StreamClient
from benchmarks.generation_study.contenders import BareServer, Contender, Model, OurService, start
from benchmarks.generation_study.figures import (
    Figures,
    failures_of,
    figures_of,
    median_figures,
    paired,
    values_of,
)
from benchmarks.generation_study.metering import measure
from benchmarks.generation_study.workload import PATH, Load, body, prompt
from benchmarks.load.http import HttpTarget

Runs = dict[Load, dict[str, list[Run]]]
_BY_ROUND = ("tokens_per_s", "ttft_p50_ms")
"""What is told for each round too: how far the medians can be trusted."""
_CHECKED_TOKENS = 24
_CHECKED_PROMPTS = 3
_CHECKED_SEED = 1


async def take_turns(
    contenders: Sequence[Contender],
    model: str,
    loads: Sequence[Load],
    *,
    rounds: int,
    seconds: float,
    on_step: Callable[[str], None],
) -> Runs:
    """Returns the runs of all rounds by load and contender.

    Within a round, each load meets all contenders one after the other; who is first changes from
    round to round. All of them get the same prompts in the same order.
    """
    runs: Runs = {load: {one.name: [] for one in contenders} for load in loads}
    clients = {one.name: StreamClient(one.url, model, prompt) for one in contenders}
    for one in contenders:
        one.freeze()
    for number, load in itertools.product(range(rounds), loads):
        first = number % len(contenders)
        for contender in (*contenders[first:], *contenders[:first]):
            on_step(f"{contender.name}, {load.label}")
            contender.thaw()
            client = clients[contender.name]
            run = await measure(client, load, seconds=seconds, cpu_s=contender.cpu_s)
            contender.freeze()
            runs[load][contender.name].append(run)
    return runs


async def same_answers(contenders: Sequence[Contender], model: str) -> dict[str, Any]:
    """Returns whether all give the same text for the same prompts, and count the same tokens."""
    said = []
    for contender in contenders:
        contender.thaw()
        async with HttpTarget(contender.url) as target:
            said.append([await _ask(target, model, number) for number in range(_CHECKED_PROMPTS)])
        contender.freeze()
    return {
        "prompts": _CHECKED_PROMPTS,
        "same_texts": all(
            len({answers[number]["text"] for answers in said}) == 1
            for number in range(_CHECKED_PROMPTS)
        ),
        "same_counts": all(
            len({answers[number]["tokens"] for answers in said}) == 1
            for number in range(_CHECKED_PROMPTS)
        ),
    }


async def _ask(target: HttpTarget, model: str, number: int) -> dict[str, Any]:
    content = prompt(number, seed=_CHECKED_SEED)
    data = body(model, content, max_tokens=_CHECKED_TOKENS, stream=False)
    reply = await target.post(PATH, data, parse=True)
    if reply.outcome != "ok":
        return {"text": reply.detail, "tokens": None}
    usage = reply.body["usage"]
    return {
        "text": reply.body["choices"][0]["message"]["content"],
        "tokens": (usage["prompt_tokens"], usage["completion_tokens"]),
    }


def compare(
    names: Sequence[str],
    model: Model,
    loads: Sequence[Load],
    *,
    folder: Path,
    rounds: int,
    seconds: float,
    on_step: Callable[[str], None],
) -> dict[str, Any]:
    """Returns the figures of the contenders, and how ours compares where both were measured.

    Raises:
        ServerFailed: one of them did not start.
    """
    with ExitStack() as stack:
        contenders = []
        for name in names:
            on_step(f"starting {name}")
            contenders.append(start(stack, name, model, folder))
            contenders[-1].freeze()
        answers = asyncio.run(same_answers(contenders, model.name))
        runs = asyncio.run(
            take_turns(
                contenders, model.name, loads, rounds=rounds, seconds=seconds, on_step=on_step
            )
        )
    return {"answers": answers, "loads": [_tabulate(load, runs[load]) for load in loads]}


def _tabulate(load: Load, runs: Mapping[str, Sequence[Run]]) -> dict[str, Any]:
    by_round: dict[str, list[Figures]] = {
        name: [figures_of(run) for run in found] for name, found in runs.items()
    }
    table: dict[str, Any] = {
        "concurrency": load.concurrency,
        "max_tokens": load.max_tokens,
        "contenders": {
            name: {
                **median_figures(found),
                "failures": failures_of(runs[name]),
                "by_round": {figure: values_of(found, figure) for figure in _BY_ROUND},
            }
            for name, found in by_round.items()
        },
    }
    ours, bare = by_round.get(OurService.name), by_round.get(BareServer.name)
    if ours and bare:
        table["added_ttft_p50_ms"] = paired(ours, bare, "ttft_p50_ms", ratio=False)
        table["share_of_tokens_per_s"] = paired(ours, bare, "tokens_per_s", ratio=True)
    return table
