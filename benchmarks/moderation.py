"""`python -m benchmarks.moderation`: what of blocked terms leaks from streams, what lists cost and
how much of a stream they hold, how much later its reader has it, and which texts they refuse
wrongly."""

import asyncio
import re
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from app.cli.output import make_console
from benchmarks.environment import describe
from benchmarks.load.output import progress, write_result
from benchmarks.moderation_study.cost import measure_cost, random_terms
from benchmarks.moderation_study.latency import measure_latency
from benchmarks.moderation_study.refusals import INSIDE_OF_OTHERS, measure_refusals
from benchmarks.moderation_study.streams import measure_leaks
from benchmarks.texts import guide_pages, read_texts

_TERM_COUNTS = (0, 1_000, 10_000)
_STREAMS = (1, 32)
_TEXT_CHARS = 80_000
_WORD = re.compile(r"[a-z]{2,}")


def main(
    texts: Annotated[
        list[Path] | None,
        typer.Option(help="Texts, one per line or `text` of each line of JSON; the guide if none."),
    ] = None,
    streams: Annotated[int, typer.Option(min=1, help="Random streams.")] = 10_000,
    answers: Annotated[
        int, typer.Option(min=1, help="One after the other, of a stream whose reader waits.")
    ] = 10,
    pieces: Annotated[int, typer.Option(min=2, help="Of such an answer.")] = 30,
    pieces_per_s: Annotated[
        float, typer.Option(min=1.0, max=1000.0, help="Of such an answer; about a token each.")
    ] = 60.0,
    seed: Annotated[int, typer.Option(help="Draws streams and terms.")] = 7,
    output: Annotated[Path | None, typer.Option(help="File for the JSON result.")] = None,
) -> None:
    """Measure the moderation of streams in this process.

    Exits with 1 where a character of a term has left, one of another text has not, or a text was
    refused wrongly.

    Example: python -m benchmarks.moderation --texts answers.jsonl --texts strings.jsonl
    """
    try:
        read = [text for path in texts or () for text in read_texts(path)] or guide_pages()
    except (OSError, ValueError) as error:
        raise typer.BadParameter(str(error), param_hint="--texts") from error
    words = sorted(set(_WORD.findall(" ".join(read).lower())))
    if len(words) < 50:
        raise typer.BadParameter("the texts have too few words", param_hint="--texts")
    text = " ".join(" ".join(read).split())[:_TEXT_CHARS]
    console = make_console()
    leaks = measure_leaks(words[:: max(1, len(words) // 40)], streams=streams, seed=seed)
    costs, waits = [], []
    with progress(2 * len(_TERM_COUNTS) * len(_STREAMS), "lists") as steps:
        for count in _TERM_COUNTS:
            terms = random_terms(words, count, seed=seed)
            for together in _STREAMS:
                part = text[: len(text) // together]
                costs.append(measure_cost(part, terms, streams=together))
                steps.done("lists")
                waiting = measure_latency(
                    *(text, terms),
                    streams=together,
                    answers=answers,
                    pieces=pieces,
                    pieces_per_s=pieces_per_s,
                )
                waits.append(asyncio.run(waiting))
                steps.done("readers")
    refusals = measure_refusals(read, INSIDE_OF_OTHERS)
    console.print(
        f"{leaks.streams} streams, {leaks.with_term} with a term: {leaks.leaked_chars} characters "
        f"of terms leaked, {leaks.lost_chars} characters of other texts lost",
        markup=False,
    )
    console.print(_table(costs))
    console.print(_waits(waits, pieces_per_s))
    console.print(
        f"{refusals['texts']} texts, {refusals['refused']} refused, {refusals['refused_wrongly']} "
        f"of them wrongly, {refusals['missed']} missed; a search for parts of words refuses "
        f"{refusals['refused_by_parts_of_words']}",
        markup=False,
    )
    if output is not None:
        result: dict[str, Any] = {
            "environment": describe(),
            "leaks": {
                "streams": leaks.streams,
                "with_term": leaks.with_term,
                "leaked_chars": leaks.leaked_chars,
                "lost_chars": leaks.lost_chars,
            },
            "costs": costs,
            "pieces_per_s": pieces_per_s,
            "latency": waits,
            "refusals": refusals,
        }
        write_result(output, result)
    if leaks.leaked_chars or leaks.lost_chars or refusals["refused_wrongly"]:
        raise typer.Exit(1)


def _table(costs: list[dict[str, float]]) -> Table:
    table = Table(title="A list that blocks nothing, on text whose words begin its terms")
    for name in ("terms", "streams", "built, s", "us per piece, p50 / p99"):
        table.add_column(name, justify="right")
    table.add_column("held, mean / p99 / most", justify="right")
    table.add_column("pieces late by 0 / 1 / 2 / more, %", justify="right")
    for cost in costs:
        table.add_row(
            f"{cost['terms']:.0f}",
            f"{cost['streams']:.0f}",
            f"{cost['built_s']:.2f}",
            f"{cost['piece_us_p50']:.1f} / {cost['piece_us_p99']:.1f}",
            f"{cost['held_chars_mean']:.1f} / {cost['held_chars_p99']:.0f} / "
            f"{cost['held_chars_max']:.0f}",
            " / ".join(
                f"{cost[f'late_by_{late}_pct']:.1f}" for late in ("0", "1", "2", "3_or_more")
            ),
        )
    return table


def _waits(waits: list[dict[str, float]], pieces_per_s: float) -> Table:
    table = Table(title=f"What a reader waits for it, in ms, at {pieces_per_s:g} pieces a second")
    for name in ("terms", "streams", "first text, p50 / p99", "gap added, p50 / p99"):
        table.add_column(name, justify="right")
    for wait in waits:
        table.add_row(
            *(f"{wait['terms']:.0f}", f"{wait['streams']:.0f}"),
            f"{wait['ttft_added_ms_p50']:.2f} / {wait['ttft_added_ms_p99']:.2f}",
            f"{wait['gap_added_ms_p50']:.2f} / {wait['gap_added_ms_p99']:.2f}",
        )
    return table


if __name__ == "__main__":
    typer.run(main)
