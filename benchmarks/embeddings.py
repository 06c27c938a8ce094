"""`python -m benchmarks.embeddings`: vectors per second of the running service beside its peers.

The same client sends the same texts to the service, to infinity and to a plain FastAPI process, in
turns; the bare model in this process is the limit. Before anything is measured, all of them must
give the vectors of the bare model in float32.
"""

import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console

from app.cli.options import UrlOption
from app.cli.output import make_console
from app.client.address import DEFAULT_URL
from benchmarks.addresses import check_address
from benchmarks.comparison.asking import EMBEDDINGS, NotComparable, ask_all, embeddings_body
from benchmarks.comparison.contenders import BareEncoder, Contender, HttpContender, Workload
from benchmarks.comparison.equality import lowest_cosine
from benchmarks.comparison.report import comparison_table, draw_rates
from benchmarks.comparison.rounds import Window, plan_turns, tabulate, take_turns
from benchmarks.comparison.starting import start_infinity, start_naive
from benchmarks.load.output import figure, progress, result_of, write_result
from benchmarks.peers import infinity
from benchmarks.peers.process import ServerFailed, stop_on_termination
from benchmarks.texts import cut_texts, guide_pages, guide_questions, read_texts
from deployments.encoding.runtimes import resolve_dtype
from deployments.encoding.weights import PACKAGED_MODEL, model_path

_SERVICE = "service"
_LONG_TOKENS = 256
_MIN_COSINE = 0.999
_COMPARED = 32
"""Texts of each kind whose vectors are compared."""


def main(
    url: UrlOption = DEFAULT_URL,
    queries: Annotated[
        Path | None, typer.Option(help="File of short texts; the guide's headings if none.")
    ] = None,
    texts: Annotated[
        Path | None,
        typer.Option(help=f"File to cut texts of {_LONG_TOKENS} tokens from; the guide if none."),
    ] = None,
    infinity_env: Annotated[
        Path | None,
        typer.Option(
            help="Folder for infinity's environment, made there once (minutes, 2 GB). "
            "Without it infinity is left out."
        ),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Turns of each contender.")] = 3,
    duration_s: Annotated[
        float, typer.Option("--duration", min=1.0, help="Seconds of one measurement.")
    ] = 8.0,
    warmup_s: Annotated[
        float, typer.Option("--warmup", min=0.0, help="Seconds of load before it.")
    ] = 2.0,
    output: Annotated[Path | None, typer.Option(help="File for the JSON result.")] = None,
    plot: Annotated[Path | None, typer.Option(help="File for the picture (PNG).")] = None,
) -> None:
    """Measure /v1/embeddings: one text per request, short and long, few and many at a time.

    Example: python -m benchmarks.embeddings --infinity-env /tmp/infinity --output embeddings.json
    """
    stop_on_termination()
    console = make_console()
    try:
        url = check_address(url)
        workloads = _workloads(_read(queries, guide_questions()), _read(texts, guide_pages()))
    except (OSError, ValueError) as error:
        raise typer.BadParameter(str(error)) from error
    bare = _bare_encoders()
    try:
        with tempfile.TemporaryDirectory() as logs, ExitStack() as stack:
            servers = [
                HttpContender(_SERVICE, url),
                *_start_peers(stack, Path(logs), infinity_env, console),
            ]
            cosines = {
                server.name: asyncio.run(_lowest_cosine(server, bare[0], workloads))
                for server in servers
            }
            _require_equal(cosines)
            results = _measure([*servers, *bare], workloads, rounds, Window(warmup_s, duration_s))
    except (infinity.InstallFailed, ServerFailed, NotComparable) as error:
        make_console(stderr=True).print(f"Error: {error}", markup=False)
        raise typer.Exit(1) from error
    configuration = {
        "rounds": rounds,
        "duration_s": duration_s,
        "warmup_s": warmup_s,
        "queries": str(queries or "docs/"),
        "texts": str(texts or "docs/"),
    }
    result = result_of(
        configuration=configuration, results={"lowest_cosine": cosines, "workloads": results}
    )
    for name, found in results.items():
        console.print(comparison_table(name, found))
    if output is not None:
        write_result(output, result)
    if plot is not None:
        with figure(plot, columns=len(results)) as panels:
            for panel, (name, found) in zip(panels, results.items(), strict=True):
                draw_rates(panel, name, found)


def _read(file: Path | None, otherwise: list[str]) -> list[str]:
    return otherwise if file is None else read_texts(file)


def _workloads(questions: list[str], pages: list[str]) -> list[Workload]:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(Path(model_path(PACKAGED_MODEL)) / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    passages = cut_texts(pages, tokenizer, tokens=_LONG_TOKENS)
    if not passages:
        raise ValueError(f"the texts are shorter than {_LONG_TOKENS} tokens together")
    short, long = _bodies(questions), _bodies(passages)
    return [
        Workload("short texts, 64 at a time", EMBEDDINGS, short, 64, questions, bare_batch=32),
        Workload("short texts, one at a time", EMBEDDINGS, short, 1, questions, bare_batch=1),
        Workload(
            f"texts of {_LONG_TOKENS} tokens, 32 at a time",
            *(EMBEDDINGS, long, 32, passages),
            bare_batch=16,
        ),
    ]


def _bodies(texts: Sequence[str]) -> list[bytes]:
    return [embeddings_body(text) for text in texts]


def _bare_encoders() -> list[BareEncoder]:
    """Returns the bare model in float32, and in bfloat16 where the processor has it."""
    import torch
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(model_path(PACKAGED_MODEL), device="cpu")
    fast = resolve_dtype("auto", torch.device("cpu")) == torch.bfloat16
    return [BareEncoder(model, bfloat16=wanted) for wanted in ([False, True] if fast else [False])]


def _start_peers(
    stack: ExitStack, logs: Path, infinity_env: Path | None, console: Console
) -> list[HttpContender]:
    import torch

    peers = []
    if infinity_env is not None:
        environment = infinity.prepare(infinity_env, on_step=console.print)
        dtype = str(resolve_dtype("auto", torch.device("cpu"))).removeprefix("torch.")
        peers += [
            start_infinity(stack, logs, environment, "torch", dtype),
            start_infinity(stack, logs, environment, "optimum", "float32"),
        ]
    return [*peers, start_naive(stack, logs, source=None)]


async def _lowest_cosine(
    server: HttpContender, bare: BareEncoder, workloads: Sequence[Workload]
) -> float:
    lowest = 1.0
    for workload in workloads:
        bodies, texts = workload.bodies[:_COMPARED], workload.texts[:_COMPARED]
        answers = await ask_all(server, workload.path, bodies)
        vectors = np.array([answer["data"][0]["embedding"] for answer in answers], np.float32)
        lowest = min(lowest, lowest_cosine(vectors, bare.encode(texts)))
    return round(lowest, 6)


def _require_equal(cosines: dict[str, float]) -> None:
    for name, cosine in cosines.items():
        if cosine < _MIN_COSINE:
            raise NotComparable(f"{name} gives other vectors than the model: cosine {cosine}")


def _measure(
    contenders: Sequence[Contender], workloads: Sequence[Workload], rounds: int, window: Window
) -> dict[str, Any]:
    turns = plan_turns(contenders, workloads, rounds=rounds)
    with progress(len(turns), turns[0].label) as steps:
        measured = asyncio.run(take_turns(turns, window=window, on_done=steps.done))
    return {name: tabulate(found, service=_SERVICE) for name, found in measured.items()}


if __name__ == "__main__":
    typer.run(main)
