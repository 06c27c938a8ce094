"""`python -m benchmarks.near_copies`: whether the record that a question names is found and
answers, among records that differ in a date, a code or a name; through the product's own code.

Documents and questions are made by a generator with a seed. What a config file deploys is what is
measured, in this process.
"""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from benchmarks.load.output import write_result
from benchmarks.quality import options
from benchmarks.quality.command import run_study, show
from benchmarks.quality.deployed import DEFAULT_CONFIG
from benchmarks.quality.near_copies import make_near_copies
from benchmarks.quality.near_copies_study import study_near_copies
from benchmarks.quality.subject import Subject
from benchmarks.quality.way import Tuning, read_way

_NAME = "near_copies"


def main(
    questions: Annotated[int, typer.Option(min=1, help="How many to ask.")] = 200,
    config: options.ConfigOption = DEFAULT_CONFIG,
    release: options.ReleaseOption = None,
    settings: options.SetOption = None,
    concurrency: options.ConcurrencyOption = 8,
    seed: options.SeedOption = 7,
    output: options.OutputOption = None,
) -> None:
    """Measure first hits and right answers on records that share a template, and on short facts.

    An answer is right if it holds the value that was asked for and that of no other record.

    Example: python -m benchmarks.near_copies --seed 11
    """
    way = read_way(
        config=config,
        release=release,
        tuning=Tuning(settings=settings or ()),
        http=None,
        index=None,
        no_filter=False,
        clean=False,
    )
    documents, asked = make_near_copies(seed=seed, questions=questions)

    async def study(subject: Subject, dataset: str) -> dict[str, Any]:
        return await study_near_copies(subject, dataset, asked, at_once=concurrency)

    result = run_study(
        way,
        {_NAME: documents},
        study,
        answers=True,
        configuration={"seed": seed, "questions": len(asked), "concurrency": concurrency},
    )
    show([(_table(result["results"][_NAME]["shares"]), ())])
    if output is not None:
        write_result(Path(output), result)


def _table(shares: dict[str, dict[str, float]]) -> Table:
    table = Table(title="Shares of the questions")
    table.add_column("")
    names = [name for name in shares["all"] if name != "questions"]
    for name in ("questions", *names):
        table.add_column(name, justify="right")
    for kind, found in shares.items():
        figures = (f"{found[name]:.2f}" for name in names)
        table.add_row(kind, f"{found['questions']:.0f}", *figures)
    return table


if __name__ == "__main__":
    typer.run(main)
